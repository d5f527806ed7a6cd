// What the kubelet sees of PostgreSQL: killed, frozen, deleted with and without a hook, away for longer than clients can be held.
import assert from 'node:assert/strict'
import { after, before, beforeEach, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import { kubectl } from './kubectl.ts'
import { KubeCluster, patience } from './kube-cluster.ts'

const pod = 'citus-worker-0'

suite('PostgreSQL in its pod', () => {
  let cluster: KubeCluster
  before(async () => {
    cluster = await KubeCluster.install('postgres', { settings: { CITUS_SIDECAR_HOLD_MAX: '15s' } })
  })
  beforeEach(async () => await cluster.ready(pod))
  after(async () => await cluster[Symbol.asyncDispose]())

  const openHolds = async (): Promise<string> =>
    await cluster.coordinator(
      'select count(*) from citus_sidecar.holds where released_at is null and expires_at > now()',
    )

  test('that is shot down is started again by the kubelet, and joins again', async () => {
    // Immediate shutdown: no checkpoint, as after a crash.
    await cluster.exec(pod, 'postgres', 'sh', '-c', 'kill -QUIT 1')
    await cluster.ready(pod, false)
    const { status } = await cluster.ready(pod)
    assert.ok((status.containerStatuses.find(({ name }) => name === 'postgres')?.restartCount ?? 0) > 0)
  })

  test('that is frozen makes its pod unready with a reason, and nobody restarts it', async () => {
    const { status: before } = await cluster.pod(pod)
    // The first process of a container cannot be stopped from inside, but all that it makes. Ends by itself.
    const freeze = `
      all() { for p in /proc/[0-9]*; do p=\${p#/proc/}; [ $p = 1 ] || [ $p = $$ ] || kill -$1 $p; done 2>/dev/null; }
      end=$(($(date +%s) + 45)); while [ $(date +%s) -lt $end ]; do all STOP; done; all CONT`
    const frozen = cluster.exec(pod, 'postgres', 'sh', '-c', freeze)
    await cluster.ready(pod, false)
    const { body } = await cluster.page(pod, '/readyz?verbose')
    assert.match(body, /^\[-\](?:postgres|connections) failed: PostgreSQL does not answer/m)
    assert.equal((await cluster.page(pod, '/livez')).status, 200)
    await frozen
    const { status } = await cluster.ready(pod)
    assert.deepEqual(
      status.containerStatuses.map(({ restartCount }) => restartCount),
      before.containerStatuses.map(({ restartCount }) => restartCount),
    )
  })

  test('of a pod deleted by force comes back without a hook, and joins again', async () => {
    const { metadata } = await cluster.pod(pod)
    await cluster.kubectl('delete', 'pod', pod, '--force', '--grace-period=0')
    await cluster.returned(pod, metadata.uid)
    assert.equal(await openHolds(), '0')
  })

  test('of an evicted pod is drained, and nothing of the drain is left once it is back', async () => {
    const { metadata } = await cluster.pod(pod)
    const eviction = (version: string): object => ({
      apiVersion: version,
      kind: 'Eviction',
      metadata: { name: pod, namespace: cluster.namespace },
    })
    const versions = await kubectl('api-versions')
    await cluster.post(
      `/api/v1/namespaces/${cluster.namespace}/pods/${pod}/eviction`,
      eviction(versions.includes('policy/v1\n') ? 'policy/v1' : 'policy/v1beta1'),
    )
    await cluster.returned(pod, metadata.uid)
    const ended = `select count(*) from citus_sidecar.drain_phases p where p.member like '${pod}%' and p.phase = 'keep' and p.outcome = 'done'`
    assert.ok(Number(await cluster.coordinator(ended)) > 0)
    assert.equal(await openHolds(), '0')
  })

  test('of a pod that is away for longer than the lease lets clients go meanwhile', async () => {
    const [node = ''] = (await kubectl('get', 'nodes', '-o', 'name')).split('\n')
    const { metadata } = await cluster.pod(pod)
    await kubectl('cordon', node)
    try {
      await cluster.kubectl('delete', 'pod', pod, '--wait=true')
      await eventually(
        'a hold ran out',
        async () => {
          const last = await cluster.coordinator(
            `select h.expires_at < now() and h.member like '${pod}%' from citus_sidecar.holds h order by h.requested_at desc limit 1`,
          )
          return last === 't'
        },
        { deadline: patience, interval: 500 },
      )
      for (const { metadata: pooler } of (await cluster.pods()).filter(({ metadata: { name } }) =>
        name.startsWith('citus-pooler'),
      ))
        await eventually(
          `${pooler.name} lets its clients go`,
          async () =>
            /^citus_sidecar_holds_active\{kind="pool"\} 0$/m.test((await cluster.page(pooler.name, '/metrics')).body),
          { deadline: patience, interval: 500 },
        )
    } finally {
      await kubectl('uncordon', node)
    }
    await cluster.returned(pod, metadata.uid)
    assert.equal(await openHolds(), '0')
  })
})

// A node in Kubernetes, as far as the API shows it: the pod's grace period, the cause of a stop, Events; and nothing that depends on them.
import assert from 'node:assert/strict'
import { after, before, beforeEach, suite, test } from 'node:test'
import type { DrainPlan } from '../../agent/drain/view.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { beginDrain, cancelDrain, drained, phasesOf } from '../support/draining.ts'
import { finds, joined, patience, quick } from '../support/joining.ts'
import { KubernetesApi } from '../support/kubernetes-api.ts'
import { metricsOf } from '../support/prometheus-text.ts'

suite('a node in Kubernetes', () => {
  let api: KubernetesApi
  let cluster: LocalCluster
  let worker: LocalNode
  before(async () => {
    // The token says which pod this is, whatever the node is called.
    api = await KubernetesApi.start('citus-worker-2')
    api.pod('citus-worker-2', { grace: 60, set: 'citus-worker' })
    api.set('citus-worker', 3)
    cluster = await startCluster({
      workers: 1,
      env: { ...quick, CITUS_SIDECAR_HOLD: 'pool', CITUS_SIDECAR_UNREADY_WAIT: '0ms' },
      sidecars: false,
    })
    worker = cluster.node('worker-1')
    cluster.coordinator.sidecar.start()
    begin()
  })
  beforeEach(async () => {
    api.mood = 'well'
    api.denied.clear()
    api.events.length = 0
    await joined(worker)
  })
  after(async () => {
    await cluster.down()
    await api[Symbol.asyncDispose]()
  })

  function begin(): void {
    worker.sidecar.start({ ...api.env, CITUS_SIDECAR_DATA_DIR: worker.dataDir })
  }
  const told = async (...reasons: readonly string[]): Promise<void> =>
    void (await eventually(
      `Kubernetes is told of ${reasons.join(', ')}`,
      () => reasons.every((reason) => api.events.some((event) => event['reason'] === reason)),
      { deadline: patience, context: () => JSON.stringify(api.events) },
    ))
  const said = (event: string): Record<string, unknown>[] =>
    worker.sidecar.log().filter((line) => line['event'] === event)
  const drain = async () => {
    await beginDrain(worker)
    return await drained(worker)
  }

  test('has the time that its pod has, before anybody asks it to stop, and says that it is not the configured one', async () => {
    await eventually('the pod was read', () => said('kubernetes.grace-differs').length > 0)
    const plan = JSON.parse((await worker.sidecar.control('GET', '/v1/drain/plan')).body) as DrainPlan
    assert.deepEqual([plan.graceSeconds, plan.graceFrom, plan.graceTooShort], [60, 'pod', false])
    assert.match(plan.warnings[0] ?? '', /^the pod has 60\.0 s .* CITUS_SIDECAR_GRACE_PERIOD says 120\.0 s/)
    const metrics = await metricsOf(worker.sidecar)
    assert.deepEqual([...(metrics.get('citus_sidecar_grace_period_seconds')?.samples.values() ?? [])], [60])
  })

  test('drains by the cause that the API shows, and Kubernetes hears of begin, end and return', async () => {
    api.pod('citus-worker-2', { grace: 60, set: 'citus-worker', deleting: true, deletionGrace: 45 })
    api.set('citus-worker', 2)
    const done = await drain()
    assert.equal(done.phases[0]?.reason, 'scale-down (as the Kubernetes API says)')
    assert.equal(done.phases.find(({ name }) => name === 'hold')?.reason, 'the pod is not coming back')
    assert.equal(done.end?.ok, true, done.end?.reason)
    await told('DrainStarted', 'Drained')
    api.pod('citus-worker-2', { grace: 60, set: 'citus-worker' })
    api.set('citus-worker', 3)
    await worker.postgres.restart()
    await told('NodeBack')
    assert.deepEqual(
      api.events.map(({ reason, type }) => `${String(reason)} ${String(type)}`),
      ['DrainStarted Normal', 'Drained Normal', 'NodeBack Normal'],
    )
    assert.equal(said('drain.ended').at(-1)?.['outcome'], 'complete')
  })

  test('that is killed after its drain, and one whose drain is cancelled, are told too', async () => {
    await drain()
    await worker.postgres.kill()
    await told('UncleanStop')
    await worker.postgres.start()
    await joined(worker)
    await drain()
    await cancelDrain(worker)
    await joined(worker)
    const client = await worker.postgres.connect()
    client.on('error', () => undefined)
    await client.query('begin')
    await client.query('select txid_current()')
    await beginDrain(worker)
    await cancelDrain(worker)
    await told('DrainCancelled')
    await client.query('commit')
    await client.end()
  })

  test('whose API is silent drains all the same, as for a pod that is deleted', async () => {
    api.mood = 'silent'
    const done = await drain()
    assert.equal(done.end?.ok, true, done.end?.reason)
    assert.match(done.phases[0]?.reason ?? '', /^pod-deletion \(the Kubernetes API could not be asked \(/)
    await cancelDrain(worker)
  })

  test('whose API is away when it starts, or that may not do anything there, is as one outside Kubernetes', async () => {
    await worker.sidecar.stop()
    api.events.length = 0
    await api.leave()
    begin()
    await joined(worker)
    assert.equal(said('kubernetes.blind').length, 1)
    assert.match(String(said('kubernetes.blind')[0]?.['reason']), /ECONNREFUSED/)
    const plan = JSON.parse((await worker.sidecar.control('GET', '/v1/drain/plan')).body) as DrainPlan
    assert.deepEqual([plan.graceSeconds, plan.graceFrom], [120, 'setting'])
    await api.arrive()
    for (const right of ['GET pods', 'GET statefulsets', 'POST events']) api.denied.add(right)
    const done = await drain()
    assert.equal(done.end?.ok, true, done.end?.reason)
    assert.deepEqual(new Set(Object.values(phasesOf(done))), new Set(['done']))
    await cancelDrain(worker)
    await eventually('it is said', () => said('kubernetes.events-off').length === 1, { deadline: patience })
    assert.equal(api.asked.filter((one) => one.startsWith('POST')).length > 0, true)
    assert.deepEqual(api.events, [])
  })

  test('that may not join is told to Kubernetes', async () => {
    await worker.sidecar.stop()
    begin()
    await joined(worker)
    await cluster.coordinator.postgres.query(`select citus_remove_node('${worker.host}', ${worker.pgPort})`)
    await finds(worker, 'removed', /./)
    await told('JoinRefused')
    const refused = api.events.find(({ reason }) => reason === 'JoinRefused')
    assert.match(String(refused?.['message']), /^removed: /)
  })
})

// What becomes of the sidecar is nothing to PostgreSQL: killed, changed, misconfigured, without rights.
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import { otherSidecar } from './images.ts'
import { KubeCluster, patience } from './kube-cluster.ts'

const pod = 'citus-worker-0'

suite('a sidecar in its pod', () => {
  let cluster: KubeCluster
  let startedAt: string
  before(async () => {
    cluster = await KubeCluster.install('sidecar')
  })
  after(async () => await cluster[Symbol.asyncDispose]())

  const start = async (): Promise<string> => await cluster.sql(pod, 'select pg_postmaster_start_time()')
  const restarts = async (): Promise<number> =>
    (await cluster.pod(pod)).status.containerStatuses.find(({ name }) => name === 'citus-sidecar')?.restartCount ?? 0
  const restarted = async (before: number): Promise<void> => {
    await eventually('the sidecar was started again', async () => (await restarts()) > before, {
      deadline: patience,
      interval: 500,
    })
  }
  /** Settings that sidecars have from their next start on. */
  const configure = async (data: Readonly<Record<string, string>>): Promise<string> =>
    await cluster.kubectl('patch', 'configmap', 'citus-settings', '--type=merge', '-p', JSON.stringify({ data }))
  beforeEach(async () => {
    await cluster.ready(pod)
    startedAt = await start()
  })
  afterEach(async () => assert.equal(await start(), startedAt, 'PostgreSQL was not restarted'))

  test('that ends is started again and serves again', async () => {
    const before = await restarts()
    await cluster.exec(pod, 'citus-sidecar', 'sh', '-c', 'kill -TERM 1')
    await restarted(before)
    // Unready for as long as a container of it does not run: Kubernetes counts them all.
    await cluster.ready(pod)
    assert.equal((await cluster.page(pod, '/readyz')).status, 200)
  })

  test('whose image is changed is the only container that restarts', async () => {
    const before = await restarts()
    await cluster.kubectl('set', 'image', `pod/${pod}`, `citus-sidecar=${otherSidecar}`)
    await restarted(before)
    await cluster.ready(pod)
    const { status } = await cluster.pod(pod)
    assert.equal(status.containerStatuses.find(({ name }) => name === 'postgres')?.restartCount, 0)
  })

  test('that is misconfigured says why, makes its pod unready, and is well once corrected', async () => {
    const before = await restarts()
    await configure({ CITUS_SIDECAR_HOLD: 'sometimes' })
    await cluster.exec(pod, 'citus-sidecar', 'sh', '-c', 'kill -TERM 1')
    await restarted(before)
    await cluster.ready(pod, false)
    const log = await eventually(
      'it says why',
      async () => await cluster.kubectl('logs', pod, '-c', 'citus-sidecar', '--tail=20'),
      { deadline: patience },
    )
    assert.match(log, /CITUS_SIDECAR_HOLD/)
    await configure({ CITUS_SIDECAR_HOLD: 'auto' })
    await cluster.ready(pod)
  })

  /** How a drain of the other worker, in which nothing was left undone, explains that it took it for the deletion of a pod. */
  async function causeOfRestart(): Promise<string> {
    const { metadata } = await cluster.pod('citus-worker-1')
    const since = await cluster.coordinator('select now()')
    await cluster.kubectl('delete', 'pod', 'citus-worker-1', '--wait=true')
    await cluster.returned('citus-worker-1', metadata.uid)
    const of = `from citus_sidecar.drain_phases where member = 'citus-worker-1' and began > '${since}'`
    assert.equal(await cluster.coordinator(`select phase, reason ${of} and outcome = 'failed'`), '')
    return await cluster.coordinator(`select reason ${of} and phase = 'cause'`)
  }

  test('without any right drains all the same', async () => {
    await cluster.kubectl('delete', 'rolebinding', 'citus-sidecar')
    assert.match(await causeOfRestart(), /could not be asked \(.*403/)
  })

  test('whose API server is away drains all the same', async () => {
    // An address that is nobody's: https://www.rfc-editor.org/rfc/rfc5737
    await configure({ KUBERNETES_SERVICE_HOST: '192.0.2.1' })
    await causeOfRestart()
    assert.match(await causeOfRestart(), /could not be asked \(/)
  })
})

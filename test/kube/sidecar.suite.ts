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
    const configure = async (value: string): Promise<string> =>
      await cluster.kubectl(
        'patch',
        'configmap',
        'citus-settings',
        '--type=merge',
        '-p',
        JSON.stringify({ data: { CITUS_SIDECAR_HOLD: value } }),
      )
    await configure('sometimes')
    await cluster.exec(pod, 'citus-sidecar', 'sh', '-c', 'kill -TERM 1')
    await restarted(before)
    await cluster.ready(pod, false)
    const log = await eventually(
      'it says why',
      async () => await cluster.kubectl('logs', pod, '-c', 'citus-sidecar', '--tail=20'),
      { deadline: patience },
    )
    assert.match(log, /CITUS_SIDECAR_HOLD/)
    await configure('auto')
    await cluster.ready(pod)
  })

  test('without any right, and one whose API does not answer, drain all the same', async () => {
    await cluster.kubectl('delete', 'rolebinding', 'citus-sidecar')
    const { metadata } = await cluster.pod('citus-worker-1')
    await cluster.kubectl('delete', 'pod', 'citus-worker-1', '--wait=true')
    await cluster.returned('citus-worker-1', metadata.uid)
    const causes = await cluster.coordinator(
      `select reason from citus_sidecar.drain_phases where member like 'citus-worker-1%' and phase = 'cause' order by began desc limit 1`,
    )
    assert.match(causes, /could not be asked \(.*403/)
  })
})

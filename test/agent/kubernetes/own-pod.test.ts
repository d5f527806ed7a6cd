// The pod's grace period, known before anybody asks it to stop: read now and then, said where it differs, unknown where nobody says.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { ApiPlace } from '../../../agent/kubernetes/access.ts'
import { OwnPod } from '../../../agent/kubernetes/own-pod.ts'
import { eventually } from '../../../deploy/local/eventually.ts'
import { KubernetesApi } from '../../support/kubernetes-api.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { keepReports } from '../../support/reports.ts'

/** A look at the pod that runs until it is disposed of, on a clock that stands still. */
function looking(place: ApiPlace | undefined, random = 0) {
  const clock = new ManualClock()
  const { report, said } = keepReports()
  const stop = new AbortController()
  const pod = new OwnPod({ place, node: 'worker-0', configuredMs: 120_000, clock, random: () => random, report })
  const running = pod.run(stop.signal)
  return {
    pod,
    clock,
    said,
    /** Waits until the look that is going on has ended. */
    looked: async () => await eventually('it has looked', () => clock.sleepers === 1),
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await running
    },
  }
}

suite('the own pod', () => {
  test('is read at start, and again after five minutes', async () => {
    await using api = await KubernetesApi.start('worker-0')
    api.pod('worker-0', { grace: 120 })
    await using look = looking(api.place)
    assert.equal(look.pod.graceMs, undefined)
    await look.looked()
    assert.equal(look.pod.graceMs, 120_000)
    assert.deepEqual(look.said, [])
    api.pod('worker-0', { grace: 30 })
    await look.clock.advance(299_999)
    assert.equal(api.asked.length, 1)
    await look.clock.advance(1)
    await look.looked()
    assert.equal(look.pod.graceMs, 30_000)
    assert.deepEqual(look.said, [
      { name: 'kubernetes.grace-differs', details: { podSeconds: 30, configuredSeconds: 120 } },
    ])
  })

  test('is read up to a tenth sooner, so that sidecars do not ask in step', async () => {
    await using api = await KubernetesApi.start('worker-0')
    api.pod('worker-0')
    await using look = looking(api.place, 0.99)
    await look.looked()
    await look.clock.advance(271_000)
    await eventually('it has looked again', () => api.asked.length === 2)
  })

  test('that is being deleted has the time that its deletion gave it', async () => {
    await using api = await KubernetesApi.start('worker-0')
    api.pod('worker-0', { deleting: true, deletionGrace: 7 })
    await using look = looking(api.place)
    await look.looked()
    assert.equal(look.pod.graceMs, 7_000)
  })

  test('that may not be read is unknown, which is said once; read again a minute later it is known', async () => {
    await using api = await KubernetesApi.start('worker-0')
    api.denied.add('GET pods')
    await using look = looking(api.place)
    await look.looked()
    await look.clock.advance(60_000)
    await eventually('it has looked again', () => api.asked.length === 2)
    await look.looked()
    assert.equal(look.pod.graceMs, undefined)
    assert.deepEqual(
      look.said.map(({ name }) => name),
      ['kubernetes.blind'],
    )
    assert.match(String(look.said[0]?.details['reason']), /HTTP 403, pods is forbidden/)
    api.denied.clear()
    api.pod('worker-0')
    await look.clock.advance(60_000)
    await eventually('it is known', () => look.pod.graceMs === 120_000)
  })

  test('keeps what was known while the API is away', async () => {
    await using api = await KubernetesApi.start('worker-0')
    api.pod('worker-0', { grace: 60 })
    await using look = looking(api.place)
    await look.looked()
    await api.leave()
    await look.clock.advance(300_000)
    await eventually('it is said', () => look.said.some(({ name }) => name === 'kubernetes.blind'))
    assert.equal(look.pod.graceMs, 60_000)
  })

  test('is asked for by the name of the node where the token is bound to no pod', async () => {
    await using api = await KubernetesApi.start(undefined)
    await using look = looking(api.place)
    await look.looked()
    assert.deepEqual(api.asked, ['GET /api/v1/namespaces/db/pods/worker-0'])
  })

  test('outside Kubernetes is nobody, without a word', async () => {
    await using look = looking(undefined)
    assert.equal(look.pod.graceMs, undefined)
    assert.deepEqual([look.clock.sleepers, look.said], [0, []])
  })

  test('without a token is unknown, and that is said', async () => {
    await using look = looking({ host: 'localhost', port: 1, dir: '/nowhere' })
    await look.looked()
    assert.match(String(look.said[0]?.details['reason']), /^no service account token is mounted here/)
  })
})

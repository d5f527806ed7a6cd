// Why a node is asked to stop, by what the Kubernetes API says; and that a drain never depends on it.
import assert from 'node:assert/strict'
import { after, before, beforeEach, suite, test } from 'node:test'
import { findCause } from '../../../agent/drain/cause.ts'
import type { Cause } from '../../../agent/drain/plan.ts'
import { KubernetesApi } from '../../support/kubernetes-api.ts'
import type { PodOptions } from '../../support/kubernetes-api.ts'

const long = (): AbortSignal => AbortSignal.timeout(60_000)

suite('the cause of a stop', () => {
  let api: KubernetesApi
  before(async () => (api = await KubernetesApi.start('worker-2')))
  beforeEach(async () => {
    api.mood = 'well'
    api.denied.clear()
    api.objects.clear()
    await api.rotate()
  })
  after(async () => await api[Symbol.asyncDispose]())

  const find = async (signal = long()) => await findCause(api.place, 'any', signal)
  const deleted = { deleting: true, set: 'worker' }

  const cases: readonly [what: string, pod: PodOptions, set: readonly [number, number?] | undefined, cause: Cause][] = [
    ['a pod that is not deleted', { set: 'worker' }, [3], 'container-restart'],
    ['a pod that is deleted', deleted, [3], 'pod-deletion'],
    ['a pod of no StatefulSet', { deleting: true }, undefined, 'pod-deletion'],
    ['a StatefulSet with one replica less', deleted, [2], 'scale-down'],
    ['a StatefulSet with no replicas', deleted, [0], 'scale-down'],
    ['a StatefulSet that counts from two', deleted, [1, 2], 'pod-deletion'],
    ['a StatefulSet that counts from one', deleted, [1, 1], 'scale-down'],
    ['a machine that is drained', { ...deleted, disrupted: true }, [3], 'node-drain'],
    ['a scale-down on a machine that is drained', { ...deleted, disrupted: true }, [2], 'scale-down'],
    ['an eviction that came to nothing', { disrupted: true }, [3], 'container-restart'],
    ['a StatefulSet that is gone', deleted, undefined, 'pod-deletion'],
  ]
  for (const [what, pod, set, cause] of cases)
    test(`with ${what} is ${cause}`, async () => {
      api.pod('worker-2', pod)
      if (set !== undefined) api.set('worker', ...set)
      const found = await find()
      assert.deepEqual([found.cause, found.why], [cause, 'as the Kubernetes API says'])
      assert.equal(found.graceSeconds, pod.deleting === true ? 30 : 120)
    })

  test('of a scale-down looks like pod deletion to who may not read the StatefulSet', async () => {
    api.pod('worker-2', deleted)
    api.set('worker', 2)
    api.denied.add('GET statefulsets')
    assert.equal((await find()).cause, 'pod-deletion')
  })

  const blind: readonly [what: string, blinded: () => Promise<void> | void, why: RegExp][] = [
    ['may not read pods', () => void api.denied.add('GET pods'), /HTTP 403, pods is forbidden/],
    ['has a token that is over', async () => await api.mount('token', 'old'), /HTTP 401/],
    ['meets an API that is broken', () => void (api.mood = 'broken'), /HTTP 503/],
    ['gets a huge answer', () => void (api.mood = 'huge'), /longer than/],
    ['gets an answer that is none', () => void (api.mood = 'garbled'), /not valid JSON/],
  ]
  for (const [what, blinded, why] of blind)
    test(`is taken as pod deletion where the sidecar ${what}`, async () => {
      api.pod('worker-2', { set: 'worker' })
      await blinded()
      const found = await find()
      assert.deepEqual([found.cause, found.graceSeconds], ['pod-deletion', undefined])
      assert.match(found.why, why)
      assert.match(found.why, /^the Kubernetes API could not be asked \(/)
    })

  test('is taken as pod deletion where the API does not answer within the phase', async () => {
    api.mood = 'silent'
    const found = await find(AbortSignal.timeout(100))
    assert.equal(found.cause, 'pod-deletion')
    assert.match(found.why, /could not be asked \(.*timeout/)
  })

  test('is taken as pod deletion where the API is away, and outside Kubernetes', async () => {
    await api.leave()
    assert.match((await find()).why, /ECONNREFUSED/)
    await api.arrive()
    assert.deepEqual(await findCause(undefined, 'any', long()), {
      cause: 'pod-deletion',
      why: 'no Kubernetes API here',
      graceSeconds: undefined,
    })
  })
})

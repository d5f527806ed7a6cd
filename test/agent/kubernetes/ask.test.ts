// One call of the Kubernetes API: what it takes for an answer, and that it is bounded whatever the other side does.
import assert from 'node:assert/strict'
import { after, beforeEach, before, suite, test } from 'node:test'
import { readAccess } from '../../../agent/kubernetes/access.ts'
import { get, post } from '../../../agent/kubernetes/ask.ts'
import { stranger } from '../../support/certificates.ts'
import { KubernetesApi, podObject } from '../../support/kubernetes-api.ts'

const path = '/api/v1/namespaces/db/pods/worker-0'
const long = (): AbortSignal => AbortSignal.timeout(60_000)

suite('a call of the Kubernetes API', () => {
  let api: KubernetesApi
  before(async () => {
    api = await KubernetesApi.start('worker-0')
    api.pod('worker-0')
  })
  beforeEach(() => {
    api.mood = 'well'
    api.denied.clear()
  })
  after(async () => await api[Symbol.asyncDispose]())

  const ask = async (signal = long()): Promise<unknown> => await get(await readAccess(api.place), path, signal)

  test('has the object', async () => {
    assert.deepEqual(await ask(), podObject())
  })

  test('says why it was refused, in the words of the API', async () => {
    api.denied.add('GET pods')
    await assert.rejects(ask(), (error: Error) => {
      assert.equal('forbidden' in error && error.forbidden, true)
      assert.match(error.message, /^GET \/api\/v1\/\S+: HTTP 403, pods is forbidden: User ".+" cannot do this$/)
      return true
    })
    api.denied.clear()
    api.mood = 'broken'
    await assert.rejects(ask(), /HTTP 503$/)
    api.mood = 'well'
    await assert.rejects(get(await readAccess(api.place), `${path}1`, long()), /HTTP 404, pods not found/)
  })

  test('goes on with a token that was replaced meanwhile', async () => {
    const before = await readAccess(api.place)
    await api.rotate()
    await assert.rejects(get(before, path, long()), /HTTP 401, Unauthorized/)
    assert.deepEqual(await ask(), podObject())
  })

  test('trusts the mounted authority alone', async () => {
    const access = await readAccess(api.place)
    await assert.rejects(get({ ...access, ca: stranger }, path, long()), /unable to verify|self-signed|signature/i)
    // The certificate is that of another name.
    await assert.rejects(get({ ...access, host: '127.0.0.1' }, path, long()), /altnames|ECONNREFUSED/)
  })

  for (const mood of ['silent', 'dripping'] as const)
    test(`to an API that is ${mood} ends with its caller`, async () => {
      api.mood = mood
      const caller = new AbortController()
      const asked = ask(caller.signal)
      setTimeout(() => caller.abort(new Error('the phase is over')), 100)
      await assert.rejects(asked, /^Error: the phase is over$/)
    })

  test('to an API that is silent ends by itself', async () => {
    api.mood = 'silent'
    await assert.rejects(ask(), /no answer within 5000 ms$/)
  })

  test('is not made at all for a caller that has gone', async () => {
    const before = api.asked.length
    await assert.rejects(ask(AbortSignal.abort(new Error('gone'))), /gone/)
    assert.equal(api.asked.length, before)
  })

  test('reads no endless answer, and no answer that is none', async () => {
    api.mood = 'huge'
    await assert.rejects(ask(), /the answer is longer than 2097152 bytes$/)
    api.mood = 'garbled'
    await assert.rejects(ask(), SyntaxError)
  })

  test('to an API that is away fails at once, and works when it is back', async () => {
    await api.leave()
    await assert.rejects(ask(), /ECONNREFUSED/)
    await api.arrive()
    assert.deepEqual(await ask(), podObject())
  })

  test('creates an object', async () => {
    const event = { reason: 'Tested', message: 'äöü' }
    await post(await readAccess(api.place), '/api/v1/namespaces/db/events', event, long())
    assert.deepEqual(api.events, [event])
  })
})

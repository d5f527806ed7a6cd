// What other sidecars may ask on the pod-facing port, and how whoever asks too much, wrongly or in vain is turned away.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { linksRoute, rateLimit } from '../../../agent/http/links.ts'
import Fastify from 'fastify'
import type { View } from '../../../agent/http/view.ts'
import { linksUrl } from '../../../exporters/statements/link-wire.ts'
import type { AskBatch, LinkAsk } from '../../../exporters/statements/link.ts'

const ask: LinkAsk = {
  gpid: '10000000077',
  startedAt: 1_790_000_000_000.125,
  endedAt: 1_790_000_000_010.5,
  text: '0123456789abcdef',
  place: { transaction: 'fedcba9876543210', nth: 1, seen: 2 },
  context: { traceId: '1'.repeat(32), spanId: '2'.repeat(16) },
}
const batch: AskBatch = {
  asks: [ask, { ...ask, place: undefined, context: undefined }],
  uncertainty: 0.5,
  from: 'worker-1:5432',
}

async function get(url: string, links: View['links'], times = 1) {
  const app = Fastify()
  let now = 1_000
  linksRoute(app, { links } as View, () => (now += 0.25))
  for (let n = 1; n < times; n += 1) await app.inject({ method: 'GET', url })
  const answer = await app.inject({ method: 'GET', url })
  await app.close()
  return answer
}

const answersNothing: View['links'] = async ({ asks }) => await Promise.resolve(asks.map(() => ({ pending: true })))

suite('asked for links it', () => {
  test('passes on exactly what was asked, and answers with its clock', async () => {
    const asked: AskBatch[] = []
    const answer = await get(linksUrl(batch), async (one) => {
      asked.push(one)
      return await Promise.resolve(one.asks.map(() => ({ unknown: 'short' as const })))
    })
    assert.deepEqual(asked, [batch])
    assert.equal(answer.statusCode, 200)
    assert.deepEqual(answer.json(), {
      receivedAt: 1_000.25,
      sentAt: 1_000.5,
      answers: [{ unknown: 'short' }, { unknown: 'short' }],
    })
  })

  test('answers with its clock where nothing is asked', async () => {
    const answer = await get(linksUrl({ ...batch, asks: [] }), answersNothing)
    assert.deepEqual([answer.statusCode, answer.json().answers], [200, []])
  })

  test('fits the most asks into half of what headers may be', () => {
    const most = linksUrl({ ...batch, asks: Array.from({ length: 32 }, () => ({ ...ask, gpid: '9'.repeat(19) })) })
    assert.ok(most.length < 6_000, String(most.length))
  })

  const text = linksUrl(batch).slice('/links?'.length)
  const bad: readonly [what: string, query: string, says: RegExp][] = [
    ['no uncertainty', 'ask=1', /^uncertainty: undefined is not milliseconds from 0 to 2000\n$/],
    ['a negative uncertainty', 'uncertainty=-1', /^uncertainty: "-1" is not /],
    ['two of them', 'uncertainty=1&uncertainty=2', /^uncertainty: \["1","2"\] is not /],
    ['an endless one', 'uncertainty=99999', /^uncertainty: "99999" is not /],
    ['an ask of another form', 'uncertainty=1&ask=1,2,3', /^ask: "1,2,3" is not GPID,STARTED,MILLISECONDS,HASH/],
    [
      'a text in place of a hash',
      text.replaceAll('0123456789abcdef', 'select+secret+12'),
      /^ask: .{1,100} is not GPID/,
    ],
    ['half a place', text.replaceAll(',1,2,', ',1,,'), /^ask: /],
    ['33 asks', `uncertainty=1${'&ask=1'.repeat(33)}`, /^ask: 33 is not a number of asks up to 32\n$/],
    ['from nowhere', 'uncertainty=1&from=worker', /^from: "worker" is not HOST:PORT\n$/],
    ['something else', 'uncertainty=1&list=all', /^list: "all" is not asked here; what is: uncertainty, from, ask\n$/],
    ['a prototype', 'uncertainty=1&__proto__=1', /^__proto__: /],
  ]
  for (const [what, query, says] of bad)
    test(`refuses ${what}`, async () => {
      const { statusCode, body, headers } = await get(`/links?${query}`, answersNothing)
      assert.equal(statusCode, 400)
      assert.match(body, says)
      assert.match(String(headers['content-type']), /^text\/plain/)
    })

  test('says that there are none where no spans are made', async () => {
    const { statusCode, body } = await get(linksUrl(batch), undefined)
    assert.deepEqual([statusCode, body], [404, 'no spans are made of queries here\n'])
  })

  test('does not wait for a reader that hangs', async () => {
    const { statusCode, body } = await get(linksUrl(batch), async (_batch, signal) => {
      const { promise, reject } = Promise.withResolvers<never>()
      signal.addEventListener('abort', () => reject(signal.reason))
      return await promise
    })
    assert.equal(statusCode, 503)
    assert.match(body, /^the reader of the log does not answer: .*timeout/)
  })

  test('turns away whoever asks too often', async () => {
    const { statusCode, headers } = await get('/links?uncertainty=1', answersNothing, 1_000)
    assert.deepEqual([statusCode, headers['retry-after']], [429, '1'])
  })
})

suite('a rate', () => {
  test('is what it is in the long run, with so many at once', () => {
    const may = rateLimit({ perSecond: 10, atOnce: 3 })
    const within = (now: number, tries: number): number =>
      Array.from({ length: tries }, () => may(now)).filter(Boolean).length
    assert.deepEqual([within(0, 5), within(100, 5), within(50, 5), within(1_050, 20)], [3, 1, 0, 3])
  })
})

// How a node's tasks wait for their parents: whom they ask, how often, how long, and what they are told in the end.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Link, LinkAnswer } from '../../../exporters/statements/link.ts'
import { LinkAsker } from '../../../exporters/statements/link-asker.ts'
import type { LinkAskerOptions } from '../../../exporters/statements/link-asker.ts'
import type { LinkOutcome } from '../../../exporters/statements/link-peer.ts'
import type { LinkReply } from '../../../exporters/statements/link-request.ts'
import { readLinks } from '../../../exporters/statements/link-wire.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { taskOf } from '../../support/linked-statements.ts'

const link: Link = {
  method: 'command',
  traceId: '1'.repeat(32),
  spanId: '2'.repeat(16),
  sampled: true,
  startedAt: 1_000_005,
  endedAt: 1_000_095,
}
/** The initiator's clock is ahead by this. */
const ahead = 250

interface Said {
  readonly status?: number
  readonly retryAfter?: number
  readonly answer?: LinkAnswer
}

/** An asker whose every request is answered by this, with what was asked and what came of it. */
function asking(say: (n: number) => Said | undefined, changes: Partial<LinkAskerOptions<undefined>> = {}) {
  const clock = new ManualClock()
  const asked: { at: number; url: string; asks: number; startedAt: number | undefined; seen: number | undefined }[] = []
  const ended: LinkOutcome[] = []
  const asker = new LinkAsker<undefined>({
    onEnd: (_, outcome) => ended.push(outcome),
    clock,
    random: () => 1,
    request: async (url): Promise<LinkReply> => {
      const { asks } = readLinks(queryOf(url))
      const [first] = asks
      asked.push({ at: clock.now(), url, asks: asks.length, startedAt: first?.startedAt, seen: first?.place?.seen })
      const said = await Promise.resolve(say(asked.length - 1))
      if (said === undefined) throw new Error('refused')
      const now = clock.now()
      const answers = asks.map(() => said.answer ?? { pending: true })
      return {
        status: said.status ?? 200,
        retryAfter: said.retryAfter,
        body: JSON.stringify({ receivedAt: now + ahead, sentAt: now + ahead, answers }),
        askedAt: now,
        answeredAt: now,
      }
    },
    own: { nodeId: () => '9', store: { resolve: () => link } },
    addresses: () => new Map([['1', 'http://coordinator:9187']]),
    from: () => 'worker-1:5432',
    patience: 30_000,
    limit: 1_000,
    ...changes,
  })
  const ending = new AbortController()
  void asker.run(ending.signal)
  return {
    asker,
    clock,
    asked,
    ended,
    add: (task = taskOf()) => asker.add(task, undefined),
    [Symbol.dispose]: () => ending.abort(),
  }
}

function queryOf(url: string): Record<string, unknown> {
  const { searchParams } = new URL(url)
  const asks = searchParams.getAll('ask')
  return {
    uncertainty: searchParams.get('uncertainty'),
    ...(searchParams.has('from') ? { from: searchParams.get('from') } : {}),
    ...(asks.length > 0 ? { ask: asks } : {}),
  }
}

const reasons = (ended: readonly LinkOutcome[]): readonly string[] =>
  ended.map((one) => ('link' in one ? one.link.method : one.unresolved))

suite('a task', () => {
  test('is asked for in the clock of its initiator, which is measured first', async () => {
    using node = asking(() => ({ answer: link }))
    node.add()
    await node.clock.advance(600)
    assert.deepEqual(
      node.asked.map(({ asks, startedAt }) => [asks, startedAt]),
      [
        [0, undefined],
        [1, 1_000_010 + ahead],
      ],
    )
    assert.match(
      node.asked[1]?.url ?? '',
      /^http:\/\/coordinator:9187\/links\?uncertainty=0\.\d+&from=worker-1%3A5432&ask=/,
    )
    const [outcome] = node.ended
    assert.ok(outcome !== undefined && 'link' in outcome)
    assert.deepEqual([outcome.link, outcome.clock.offset], [link, ahead])
    const { resolved, unresolved, waiting, asked, clocks } = node.asker.figures
    assert.deepEqual([resolved, unresolved, waiting, asked, [...clocks.keys()]], [{ command: 1 }, {}, 0, 2, ['1']])
  })

  test('is asked for with as many as a request holds, the rest at once', async () => {
    using node = asking(() => ({ answer: link }))
    for (let n = 0; n < 70; n += 1) node.add()
    await node.clock.advance(600)
    assert.deepEqual(
      node.asked.map(({ asks }) => asks),
      [0, 32, 32, 6],
    )
    assert.equal(node.ended.length, 70)
  })

  test('is asked for again with growing pauses while its statement goes on, and given up in the end', async () => {
    using node = asking(() => ({}))
    node.add()
    await node.clock.advance(60_000)
    const [first = 0, ...rest] = node.asked.filter(({ asks }) => asks > 0).map(({ at }) => at)
    assert.deepEqual(
      rest.map((at) => at - first),
      [500, 1_500, 3_500, 7_500, 15_500, 23_500],
    )
    assert.deepEqual(reasons(node.ended), ['pending'])
  })

  test('says how often its text was seen in its transaction by the time that it is asked for', async () => {
    using node = asking(() => ({ answer: link }))
    const place = { transaction: '0, 7, now', nth: 0 }
    node.add(taskOf({ place }))
    node.add(taskOf({ place: { ...place, nth: 1 } }))
    await node.clock.advance(600)
    assert.equal(node.asked[1]?.seen, 2)
  })

  test('waits for an initiator that is away, which is asked less and less often', async () => {
    using node = asking((n) => (n < 6 ? undefined : { answer: link }))
    node.add()
    await node.clock.advance(29_000)
    const times = node.asked.map(({ at }) => at)
    assert.deepEqual(
      times.slice(1, 6).map((at, n) => at - (times[n] ?? 0)),
      [500, 1_000, 2_000, 4_000, 8_000],
    )
    await node.clock.advance(20_000)
    node.add()
    await node.clock.advance(20_000)
    assert.deepEqual(reasons(node.ended), ['away', 'command'])
  })

  const refusals: readonly [what: string, said: Said | undefined, reason: string, requests: number][] = [
    ['that has no links', { status: 404 }, 'off', 1],
    ['that does not understand', { status: 400 }, 'refused', 1],
    ['that answers garbage', { answer: { unknown: 'toString' } as unknown as LinkAnswer }, 'away', 2],
    ['that cannot tell', { answer: { unknown: 'ambiguous' } }, 'ambiguous', 2],
  ]
  for (const [what, said, reason, requests] of refusals)
    test(`is told by an initiator ${what}`, async () => {
      using node = asking(() => said)
      node.add()
      await node.clock.advance(700)
      assert.equal(node.asked.length, requests)
      await node.clock.advance(40_000)
      assert.deepEqual(reasons(node.ended), [reason])
      assert.deepEqual(node.asker.figures.unresolved, { [reason]: 1 })
    })

  test('of an initiator without links is not even asked for, until some minutes later', async () => {
    using node = asking((n) => (n === 0 ? { status: 404 } : { answer: link }))
    for (let n = 0; n < 10; n += 1) {
      node.add()
      await node.clock.advance(20_000)
    }
    assert.deepEqual([node.asked.length, reasons(node.ended)], [1, Array.from({ length: 10 }, () => 'off')])
    await node.clock.advance(200_000)
    node.add()
    await node.clock.advance(1_000)
    assert.equal(reasons(node.ended).at(-1), 'command')
  })

  test('waits as long as an initiator wants that has too much to do', async () => {
    using node = asking((n) => (n === 1 ? { status: 429, retryAfter: 7 } : { answer: link }))
    node.add()
    await node.clock.advance(7_000)
    assert.deepEqual([node.asked.length, node.ended], [2, []])
    await node.clock.advance(1_500)
    assert.deepEqual(reasons(node.ended), ['command'])
  })

  test('that this node sent to itself asks nobody else', async () => {
    using node = asking(() => undefined)
    node.add(taskOf({ gpid: '90000000077' }))
    await node.clock.advance(600)
    assert.deepEqual([reasons(node.ended), node.asked], [['command'], []])
  })

  test('of a backend that began before its node had an id has no parent', () => {
    using node = asking(() => undefined)
    node.add(taskOf({ gpid: '999999990000021686' }))
    assert.deepEqual(reasons(node.ended), ['no-metadata'])
  })

  test('of a node of which no sidecar is known waits for one', async () => {
    using node = asking(() => undefined)
    node.add(taskOf({ gpid: '20000000077' }))
    await node.clock.advance(29_000)
    assert.deepEqual(node.ended, [])
    await node.clock.advance(2_000)
    assert.deepEqual(reasons(node.ended), ['no-address'])
  })

  test('waits with so many others and no more', async () => {
    using node = asking(() => undefined, { limit: 5 })
    for (let n = 0; n < 8; n += 1) node.add()
    assert.deepEqual([reasons(node.ended), node.asker.figures.waiting], [['full', 'full', 'full'], 5])
    await node.clock.advance(31_000)
    assert.deepEqual([node.ended.length, node.asker.figures.waiting], [8, 0])
  })
})

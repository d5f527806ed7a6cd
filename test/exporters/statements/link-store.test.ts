// What an initiator tells of its statements, case by case, and how much of them it remembers.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { LinkAnswer, LinkAsk } from '../../../exporters/statements/link.ts'
import { LinkStore } from '../../../exporters/statements/link-store.ts'
import type { LinkStoreOptions } from '../../../exporters/statements/link-store.ts'
import type { RemoteCommand, Statement } from '../../../exporters/statements/statement.ts'
import { textHash } from '../../../exporters/statements/text-hash.ts'
import { commandOf, statementOf, taskOf } from '../../support/linked-statements.ts'

const traceId = '1'.repeat(32)
const asker = { uncertainty: 1, from: 'worker-1:5432' }

function storeOf(changes: Partial<LinkStoreOptions> = {}): LinkStore {
  return new LinkStore({ nodeId: () => '1', running: () => [], since: 0, limit: 100, keepFor: 60_000, ...changes })
}

function askOf({ gpid = '', startedAt, endedAt, text, place, context }: Statement, seen = 1): LinkAsk {
  return {
    gpid,
    startedAt,
    endedAt,
    text: textHash(text),
    place: place && { transaction: textHash(place.transaction), nth: place.nth, seen },
    context,
  }
}

/** What is answered to a task when these have ended, each in a trace and with a span of its own by its place in the list. */
function answer(
  statements: readonly Statement[],
  ask: LinkAsk,
  changes?: Partial<LinkStoreOptions>,
  from = asker.from,
) {
  const store = storeOf(changes)
  for (const [index, statement] of statements.entries()) {
    const commandSpans = statement.commands.map((_, command) => `${index}.${command}`)
    const own = statement.context?.traceId ?? traceId
    store.add(statement, { traceId: own, spanId: String(index), sampled: true, commandSpans })
  }
  store.read(1_010_000)
  return store.resolve(ask, { ...asker, from })
}

const say = (found: LinkAnswer): string =>
  'method' in found ? `${found.method} ${found.spanId}` : 'unknown' in found ? found.unknown : 'pending'

const transaction = `0, 7, '1970-01-01 00:16:39.5+00'`
const places = (nth: number) => ({ transaction, nth })
/** Two statements of a transaction in a moment, with one text. */
const twins = [0, 2].map((later) =>
  statementOf({
    startedAt: 1_000_000 + later,
    endedAt: 1_000_002 + later,
    commands: [commandOf({ issuedAt: 1_000_000 + later, endedAt: 1_000_002 + later, place: places(0) })],
  }),
)
const brief = (changes: Partial<Statement>) => taskOf({ startedAt: 1_000_001, endedAt: 1_000_002, ...changes })
const withCommands = (...commands: readonly RemoteCommand[]) => statementOf({ commands })
const caller = (of: string) => ({ traceId: of, spanId: '2'.repeat(16), sampled: true, source: 'guc' as const })
const next = statementOf({ startedAt: 1_000_200, endedAt: 1_000_300 })

suite('the parent of a task', () => {
  const cases: readonly [what: string, statements: readonly Statement[], ask: LinkAsk, says: string][] = [
    ['is the command with its text', [withCommands(commandOf())], askOf(taskOf()), 'command 0.0'],
    [
      'is the statement where its command has another text',
      [withCommands(commandOf({ text: 'other' }))],
      askOf(taskOf()),
      'time 0',
    ],
    [
      'is no command that went to another node',
      [withCommands(commandOf({ server: 'worker-2:5432' }))],
      askOf(taskOf()),
      'time 0',
    ],
    ['is no command that ran here', [withCommands(commandOf({ server: undefined }))], askOf(taskOf()), 'time 0'],
    [
      'is not exact where two commands may be it',
      [withCommands(commandOf(), commandOf({ issuedAt: 1_000_006 }))],
      askOf(taskOf()),
      'time 0',
    ],
    [
      'is not exact where the command is of an earlier statement',
      [withCommands(commandOf({ issuedAt: 999_990 }))],
      askOf(taskOf()),
      'time 0.0',
    ],
    ['is told apart by the nth, where all were seen', twins, askOf(brief({ place: places(1) }), 2), 'command 1.0'],
    ['is not, where one was not', twins, askOf(brief({ place: places(0) }), 1), 'ambiguous'],
    ['is not, where fewer were sent than were seen', twins.slice(0, 1), askOf(brief({ place: places(0) }), 2), 'short'],
    [
      'is not of another transaction',
      [withCommands(commandOf({ place: places(0) }))],
      askOf(taskOf({ place: { transaction: 'another', nth: 0 } })),
      'time 0',
    ],
    [
      'is the statement of its trace',
      [statementOf({ context: caller(traceId) })],
      askOf(taskOf({ context: caller(traceId) })),
      'context 0',
    ],
    [
      'is the caller where it is not sure which statement it was',
      twins.map((twin) => ({ ...twin, commands: [], context: caller(traceId) })),
      askOf(brief({ context: caller(traceId) })),
      `context ${'2'.repeat(16)}`,
    ],
    [
      'is by time where no statement has its trace',
      [statementOf({ context: caller('3'.repeat(32)) })],
      askOf(taskOf({ context: caller(traceId) })),
      'time 0',
    ],
    ['is not known yet of a backend of which nothing is known', [], askOf(taskOf()), 'pending'],
    [
      'is not known yet where the statement that may be it goes on',
      [statementOf({ endedAt: 1_000_009 })],
      askOf(taskOf()),
      'pending',
    ],
    ['is unknown where the one after it is known', [next], askOf(taskOf()), 'no-statement'],
    ['is unknown of a short task between two', twins, askOf(brief({ text: 'x' })), 'ambiguous'],
    ['is unknown of another node', [statementOf()], askOf(taskOf({ gpid: '20000000077' })), 'elsewhere'],
    ['is unknown of a node without an id', [statementOf()], askOf(taskOf({ gpid: '999999990000000077' })), 'elsewhere'],
  ]
  for (const [what, statements, ask, says] of cases) test(what, () => assert.equal(say(answer(statements, ask)), says))

  test('has the times of the command, or else of the statement', () => {
    const times = (found: LinkAnswer): unknown => ('method' in found ? [found.startedAt, found.endedAt] : found)
    assert.deepEqual(times(answer([withCommands(commandOf())], askOf(taskOf()))), [1_000_005, 1_000_095])
    assert.deepEqual(times(answer([statementOf()], askOf(taskOf()))), [1_000_000, 1_000_100])
  })

  test('is not known yet while its command is running, or the log of its time is not read', () => {
    const running = () => [{ text: 'task', issuedAt: 1_000_005 }]
    assert.equal(say(answer([], askOf(taskOf()), { running })), 'pending')
    const store = storeOf()
    store.add(withCommands(commandOf()), { traceId, spanId: '0', sampled: true, commandSpans: [] })
    assert.equal(say(store.resolve(askOf(taskOf()), asker)), 'pending')
    store.read(1_000_014)
    assert.equal(say(store.resolve(askOf(taskOf()), asker)), 'command 0')
  })

  test('is exact in no time of which lines were lost', () => {
    const store = storeOf()
    store.add(withCommands(commandOf()), { traceId, spanId: '0', sampled: true, commandSpans: ['0.0'] })
    store.read(1_010_000)
    store.lost(1_000_000)
    assert.equal(say(store.resolve(askOf(taskOf()), asker)), 'time 0.0')
  })
})

suite('what is remembered', () => {
  const ids = { traceId, spanId: '0', sampled: false, commandSpans: [] }
  const at = (n: number, pid: number) => {
    const one = statementOf({ startedAt: n * 10, endedAt: n * 10 + 5, commands: [commandOf()] })
    return { ...one, record: { ...one.record, pid } }
  }

  test('is bounded by number, of however many backends', () => {
    const store = storeOf({ limit: 100 })
    for (let n = 0; n < 10_000; n += 1) {
      store.add(at(n, n % 700), ids)
      assert.ok(store.size <= 100)
    }
    assert.ok(store.size > 80)
  })

  test('is bounded by age, whether or not anything happens', () => {
    const store = storeOf({ keepFor: 1_000 })
    for (let n = 0; n < 10; n += 1) store.add(at(n, 1), ids)
    store.read(1_000)
    assert.equal(store.size, 20)
    store.read(1_104)
    assert.equal(store.size, 20)
    store.read(9_000)
    assert.equal(store.size, 0)
  })

  test('has no statement of more commands than are remembered at all', () => {
    const store = storeOf({ limit: 100 })
    store.add(statementOf({ commands: Array.from({ length: 200 }, () => commandOf()) }), ids)
    assert.equal(store.size, 0)
  })

  test('is not taken for all there was', () => {
    const store = storeOf({ keepFor: 1_000 })
    store.add(statementOf(), ids)
    store.add(next, ids)
    store.read(1_001_201)
    assert.equal(say(store.resolve(askOf(taskOf()), asker)), 'unseen')
  })
})

// What must be true of the statements that logs of real servers tell of, be they recorded or just written.
import assert from 'node:assert/strict'
import type { Statement } from '../../exporters/statements/statement.ts'
import { assembled } from './statement-log.ts'
import { asked } from './statement-scenarios.ts'
import type { NodeLog } from './statement-scenarios.ts'

/** Each statement of the scenario is told once, with its failure, and with a span of time that fits the ones beside it. */
export function assertPlain(lines: readonly string[]): void {
  const { statements } = assembled(lines)
  const first = statements.find(({ text }) => text === asked[0]?.text)
  const told = statements.filter(({ record }) => record.session === first?.record.session)
  assert.deepEqual(
    told.map(({ text, failed }) => [text, failed]),
    asked.flatMap(({ text, fails, times = 1 }) => Array.from({ length: times }, () => [text, fails])),
  )
  for (const [at, one] of told.entries()) {
    assert.ok(one.startedAt <= one.endedAt, one.text)
    // Ends are told to the millisecond.
    assert.ok(one.startedAt >= (told[at - 1]?.endedAt ?? 0) - 1.5, `${one.text} began before the one before had ended`)
  }
  const of = (text: string): readonly Statement[] => told.filter((one) => one.text === text)
  const [one] = of('select $1::int')
  assert.ok(one?.parseMs !== undefined && one.bindMs !== undefined && !one.prepared)
  const byName = of('select i from a where i = $1')
  assert.deepEqual(
    byName.map(({ prepared, parseMs }) => [prepared, parseMs !== undefined]),
    [
      [true, true],
      [true, false],
      [false, true],
    ],
  )
  const [slept, sleptExtended] = [of('select pg_sleep(5)')[0], of('select pg_sleep($1)')[0]]
  assert.deepEqual([slept?.startEstimated, sleptExtended?.startEstimated], [true, false])
  assert.ok((sleptExtended?.endedAt ?? 0) - (sleptExtended?.startedAt ?? 0) > 55)
  assert.deepEqual(
    told.filter(({ plan }) => plan !== undefined).map(({ text }) => text),
    ['select count(*) from a', 'select count(*) from a where i = $1', 'select i from a where i = $1'],
  )
  assert.deepEqual(
    statements.filter(({ failed }) => failed === '57P01').map(({ text }) => text),
    ['select pg_sleep(77)'],
  )
}

/** Where a command or a task stands, as both nodes must tell it. */
function key(port: number | string, gpid: string, text: string, place: Statement['place']): string {
  return JSON.stringify([Number(port), gpid, place?.transaction, text, place?.nth])
}

/** Every command in a distributed transaction is a task elsewhere, and every such task was a command. */
export function assertDistributed(logs: readonly NodeLog[]): void {
  const nodes = logs.map((log) => ({ ...log, ...assembled(log.lines) }))
  const tasks = nodes.flatMap(({ port, statements }) =>
    statements.filter(({ kind, place }) => kind === 'task' && place !== undefined).map((task) => ({ port, task })),
  )
  const gpids = new Set(tasks.map(({ task }) => task.gpid ?? ''))
  /** That of a client's session is the node's number and its process: no other session here ends alike. */
  const gpidOf = ({ gpid, record }: Statement): string =>
    gpid ?? [...gpids].find((one) => BigInt(one) % 10_000_000_000n === BigInt(record.pid)) ?? ''
  const ran = tasks.map(({ port, task }) => key(port, task.gpid ?? '', task.text, task.place))
  const issued = nodes.flatMap(({ statements }) =>
    statements.flatMap((statement) =>
      statement.commands
        .filter(({ place, server }) => place !== undefined && server !== undefined)
        .map(({ text, place, server }) => key(server?.split(':').at(-1) ?? '', gpidOf(statement), text, place)),
    ),
  )
  assert.ok(issued.length > 50, `${issued.length} commands`)
  assert.equal(new Set(issued).size, issued.length)
  assert.deepEqual(ran.toSorted(), issued.toSorted())
  assert.deepEqual(
    nodes.map(({ losses }) => losses.commands + losses.sessions),
    nodes.map(() => 0),
  )
  const local = nodes.flatMap(({ statements }) => statements.flatMap(({ commands }) => commands))
  assert.ok(local.some(({ server, place }) => server === undefined && place === undefined))
  assertContexts(nodes.flatMap(({ statements }) => statements))
}

/** The setting of the scenario reaches workers, and goes back with its savepoint. */
function assertContexts(statements: readonly Statement[]): void {
  const spans = (pattern: RegExp): ReadonlySet<string> =>
    new Set(
      statements
        .filter(({ kind, text, context }) => kind === 'task' && context !== undefined && pattern.test(text))
        .map(({ context }) => context?.spanId ?? ''),
    )
  assert.deepEqual(spans(/^DELETE FROM public.orders/), new Set(['b7ad6b7169203331']))
  assert.deepEqual(spans(/^UPDATE .* SET note = note$/), new Set(['b7ad6b7169203332']))
}

// One statement for what the log tells in several lines, however it tells it, and what is known of its begin.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Assembler } from '../../../exporters/statements/assembler.ts'
import type { Statement } from '../../../exporters/statements/statement.ts'
import { begin, records, statements } from '../../support/log-records.ts'
import type { Line } from '../../support/log-records.ts'

/** What is looked at, with times since the begin. */
function facts({ text, startedAt, endedAt, parseMs, bindMs, prepared, failed, startEstimated }: Statement): object {
  const round = (at: number): number => Math.round((at - begin) * 1_000) / 1_000
  const known = Object.entries({ parseMs, bindMs, failed }).filter(([, value]) => value !== undefined)
  const flags = Object.entries({ prepared, startEstimated }).filter(([, value]) => value)
  return { text, from: round(startedAt), to: round(endedAt), ...Object.fromEntries([...known, ...flags]) }
}
const factsOf = (lines: readonly Line[]): readonly object[] => statements(lines).map(facts)
const failed = (statement: string | undefined, at: number, code = '22012'): Line => ({
  severity: 'ERROR',
  message: 'x',
  code,
  at,
  statement,
})

suite('a statement', () => {
  test('of the simple protocol ended when the line was written', () =>
    assert.deepEqual(factsOf([{ at: 10, message: 'duration: 2.125 ms  statement: select 1; select 2' }]), [
      { text: 'select 1; select 2', from: 7.875, to: 10 },
    ]))

  test('of the extended protocol is one, with its parts', () =>
    assert.deepEqual(
      factsOf([
        { at: 10, message: 'duration: 1.000 ms  parse <unnamed>: select $1' },
        { at: 12, message: 'duration: 2.000 ms  bind <unnamed>: select $1' },
        { at: 15, message: 'duration: 3.000 ms  execute <unnamed>: select $1' },
      ]),
      [{ text: 'select $1', from: 9, to: 15, parseMs: 1, bindMs: 2 }],
    ))

  test('that was prepared long ago begins with its bind', () =>
    assert.deepEqual(
      factsOf([
        { at: 10, message: 'duration: 1.000 ms  parse p: select $1' },
        { at: 900, message: 'duration: 2.000 ms  bind p: select $1' },
        { at: 901, message: 'duration: 1.000 ms  execute p: select $1' },
        { at: 950, message: 'duration: 1.000 ms  bind p/c: select $1' },
        { at: 951, message: 'duration: 1.000 ms  execute p/c: select $1' },
        { at: 999, message: 'duration: 1.000 ms  execute fetch from p/c: select $1' },
      ]),
      [
        { text: 'select $1', from: 898, to: 901, bindMs: 2, prepared: true },
        { text: 'select $1', from: 949, to: 951, bindMs: 1, prepared: true },
        { text: 'select $1', from: 998, to: 999, prepared: true },
      ],
    ))

  test('whose text log_statement told before is known by it', () =>
    assert.deepEqual(
      factsOf([
        { at: 10, message: 'statement: select 1' },
        { at: 12, message: 'duration: 2.000 ms' },
        { at: 20, message: 'duration: 0.100 ms' },
        { at: 20, message: 'duration: 0.200 ms' },
        { at: 20, message: 'execute p: select $1' },
        { at: 25, message: 'duration: 5.000 ms' },
        { at: 30, message: 'statement: select 1/0' },
        failed('select 1/0', 70),
      ]),
      [
        { text: 'select 1', from: 10, to: 12 },
        { text: 'select $1', from: 20, to: 25, prepared: true },
        { text: 'select 1/0', from: 30, to: 70, failed: '22012' },
      ],
    ))

  test('that failed began when its steps did, or nobody knows', () =>
    assert.deepEqual(
      factsOf([
        { at: 10, message: 'duration: 1.000 ms  parse <unnamed>: select 1/$1' },
        failed('select 1/$1', 12),
        failed('select 1/0', 500),
        { at: 600, message: 'duration: 0.100 ms  statement: begin' },
        failed('select pg_sleep(9)', 900, '57014'),
        failed(undefined, 950, '25P02'),
      ]),
      [
        { text: 'select 1/$1', from: 9, to: 12, parseMs: 1, failed: '22012' },
        { text: 'select 1/0', from: 500, to: 500, failed: '22012', startEstimated: true },
        { text: 'begin', from: 599.9, to: 600 },
        { text: 'select pg_sleep(9)', from: 600, to: 900, failed: '57014', startEstimated: true },
        { text: '', from: 900, to: 950, failed: '25P02', startEstimated: true },
      ],
    ))

  test('that ends with its session failed; a session that ends without one did nothing', () =>
    assert.deepEqual(
      factsOf([
        { severity: 'FATAL', code: '57P01', message: 'x', at: 5, statement: 'select pg_sleep(9)' },
        { severity: 'FATAL', code: '57P01', message: 'x', at: 6 },
      ]),
      [{ text: 'select pg_sleep(9)', from: 5, to: 5, failed: '57P01', startEstimated: true }],
    ))

  test('is not told where it is our own, of replication, or without text', () => {
    const message = 'duration: 1.000 ms  statement: select 1'
    const others: readonly Line[] = [
      { message, application: 'citus-sidecar/probe' },
      { message, backendType: 'walsender' },
      { message, backendType: 'parallel worker' },
      { message: 'duration: 1.000 ms' },
      { message: 'could not receive data from client' },
      { message: 'w', severity: 'WARNING' },
    ]
    assert.deepEqual(factsOf(others), [])
  })
})

suite('the plan of auto_explain', () => {
  const plan = 'Query Text: select 1\nResult'
  test('is that of the statement that repeats its text', () => {
    const told = statements([
      { message: `duration: 0.008 ms  plan:\n{\n  "Query Text": "select \\"a\\"",\n  "Plan": {}}` },
      { message: 'duration: 0.200 ms  statement: select "a"' },
      { message: `duration: 0.008 ms  plan:\n${plan}` },
      { message: 'duration: 0.200 ms  statement: select 2' },
    ])
    assert.deepEqual(
      told.map(({ plan: found }) => found?.includes('Query Text')),
      [true, undefined],
    )
  })

  test('comes after its statement in the extended protocol, and is waited for only where there are plans', () => {
    const assembler = new Assembler()
    const push = (...lines: Line[]): number[] => records(lines).map((record) => assembler.push(record).length)
    assert.deepEqual(push({ message: 'duration: 1.000 ms  execute <unnamed>: select 1' }), [1])
    assert.deepEqual(push({ message: `duration: 1.000 ms  plan:\n${plan}` }), [0])
    const again = [
      { at: 10, message: 'duration: 1.000 ms  execute <unnamed>: select 1' },
      { at: 11, message: 'duration: 1.000 ms  parse <unnamed>: select 3' },
      { at: 12, message: `duration: 1.000 ms  plan:\n${plan}` },
      { at: 13, message: 'duration: 1.000 ms  execute <unnamed>: select 3' },
      { at: 900, message: 'x', session: 'b' },
    ]
    assert.deepEqual(push(...again), [0, 0, 1, 0, 1])
  })
})

suite('what is kept', () => {
  const detail = 'on server app@worker-1:5432 connectionId: 1'
  const silent = (session: string): Line => ({
    session,
    severity: 'NOTICE',
    message: `issuing ${'x'.repeat(1_000)}`,
    detail,
  })
  const many = Array.from({ length: 100 }, (_, index) => silent(String(index)))
  test('is bounded by sessions and by their size, and what is forgotten is counted', () => {
    for (const [options, lost] of [
      [{ sessions: 10 }, 90],
      [{ size: 34_000 }, 80],
    ] as const) {
      const assembler = new Assembler(options)
      for (const record of records(many)) assembler.push(record)
      assert.ok(Math.abs(assembler.losses.sessions - lost) <= 1, `${assembler.losses.sessions} forgotten`)
    }
  })

  test('of one session ends with what Citus did', () => {
    const assembler = new Assembler({ sessionSize: 5_000 })
    const issued = Array.from({ length: 100 }, (): Line => ({
      severity: 'NOTICE',
      message: `issuing ${'x'.repeat(300)}`,
      detail,
    }))
    const told = records([...issued, { message: 'duration: 1.000 ms  statement: select 1' }]).flatMap((record) =>
      assembler.push(record),
    )
    assert.equal(told[0]?.commands.length, 10)
    assert.equal(assembler.losses.commands, 90)
  })

  test('is not missed of sessions that came to their end, however many there were', () => {
    const assembler = new Assembler({ sessions: 10 })
    const sessions = Array.from({ length: 100 }, (_, index) => String(index))
    for (const session of sessions)
      for (const message of ['begin', 'select 1', 'commit'])
        for (const record of records([{ session, message: `duration: 1.000 ms  statement: ${message}` }]))
          assembler.push(record)
    assert.equal(assembler.losses.sessions, 0)
  })

  test('does not grow with statements that waited for a plan in vain', () => {
    const assembler = new Assembler({ size: 20_000 })
    const text = `select ${'x'.repeat(1_000)}`
    let told = 0
    for (const record of records([{ message: 'duration: 1.000 ms  plan:\nQuery Text: other' }])) assembler.push(record)
    for (let at = 0; at < 100_000; at += 1_000)
      for (const record of records([
        { at, session: 'begun', message: 'duration: 1.000 ms  statement: begin' },
        { at, session: String(at), message: `duration: 1.000 ms  execute <unnamed>: ${text}` },
      ]))
        told += assembler.push(record).length
    told += assembler.flush(Infinity).length
    assert.deepEqual([told, assembler.losses.sessions], [200, 0])
  })

  test('and waits for a plan is told though its session ends or is forgotten', () => {
    const waits = { message: 'duration: 1.000 ms  execute <unnamed>: select 7' }
    const plan = { message: 'duration: 1.000 ms  plan:\nQuery Text: other' }
    for (const [options, last] of [
      [{}, { severity: 'FATAL', message: 'terminating connection due to administrator command' }],
      [{ sessions: 1 }, { session: 'b', message: 'connection received' }],
    ] as const)
      assert.deepEqual(
        statements([plan, waits, last], options).map(({ text }) => text),
        ['select 7'],
      )
  })

  test('of named statements with a context is not more than their hashes', () => {
    const assembler = new Assembler({ size: 100_000 })
    const comment = `/*traceparent='00-${'a'.repeat(32)}-${'b'.repeat(16)}-01'*/`
    for (let index = 0; index < 60; index += 1)
      for (const record of records([
        { message: `duration: 1.000 ms  parse p${index}: select ${'y'.repeat(5_000)} ${index} ${comment}` },
      ]))
        assembler.push(record)
    const [failure] = records([
      { severity: 'ERROR', message: 'x', code: '22012', statement: `select ${'y'.repeat(5_000)} 7 ${comment}` },
    ]).flatMap((record) => assembler.push(record))
    assert.deepEqual([failure?.prepared, failure?.context], [true, undefined])
  })
})

suite('what anybody can have written to the log', () => {
  const raised = (message: string, detail?: string): Line => ({ severity: 'NOTICE', message, detail })
  test('is no command of Citus where it does not say to which server', () => {
    for (const notice of [
      raised('issuing invoice for Jane Doe'),
      raised('issuing invoice', 'on server Jane Doe'),
      raised('issuing invoice', 'on server x@Jane Doe:5432 connectionId: 1'),
    ]) {
      const [one] = statements([notice, { message: 'duration: 1.000 ms  statement: select 1' }])
      assert.deepEqual(one?.commands, [])
    }
  })

  test('has no duration but those that PostgreSQL writes', () => {
    for (const duration of ['Infinity', '1e300', '-1.000', '0x10', '', '99999999999999.000', '1'])
      assert.deepEqual(statements([{ message: `duration: ${duration} ms  statement: select 1` }]), [], duration)
  })
})

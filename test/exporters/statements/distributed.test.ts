// What Citus did for a statement, where it stands in its distributed transaction, and whose it is, by lines of an initiator and of a worker.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { begin, statements } from '../../support/log-records.ts'
import type { Line } from '../../support/log-records.ts'

const assign = (number: number): string =>
  `SELECT assign_distributed_transaction_id(0, ${number}, '2026-01-01 00:00:00+00');`
const transaction = (number: number): string => `0,${number},2026-01-01 00:00:00+00`
const done = (text: string, over: Partial<Line> = {}): Line => ({
  message: `duration: 1.000 ms  statement: ${text}`,
  ...over,
})
const issued = (text: string, connection: number, over: Partial<Line> = {}): Line => ({
  severity: 'NOTICE',
  message: `issuing ${text}`,
  detail: `on server app@worker-1:5432 connectionId: ${connection}`,
  ...over,
})
const application = 'citus_internal gpid=999999990000021686'

suite('commands of Citus', () => {
  test('belong to the statement that ends next, and end with the next one of their connection', () => {
    const [first, second] = statements([
      issued('select 1', 1, { at: 1 }),
      issued('select 2', 2, { at: 2 }),
      issued('select 3', 1, { at: 5 }),
      { severity: 'NOTICE', message: 'executing the command locally: select 4', at: 6 },
      { severity: 'NOTICE', message: 'something else', at: 7 },
      done('select 0', { at: 9 }),
      done('select 0', { at: 10 }),
    ])
    assert.deepEqual(
      first?.commands.map(({ text, issuedAt, endedAt, server, connection }) => [
        text,
        issuedAt - begin,
        endedAt - begin,
        server,
        connection,
      ]),
      [
        ['select 1', 1, 5, 'worker-1:5432', '1'],
        ['select 2', 2, 9, 'worker-1:5432', '2'],
        ['select 3', 5, 9, 'worker-1:5432', '1'],
        ['select 4', 6, 9, undefined, undefined],
      ],
    )
    assert.deepEqual(second?.commands, [])
  })

  test('have a place in their transaction, which is the same where they run', () => {
    const texts = [
      'update t set a = 1',
      'update t set a = 1',
      'SAVEPOINT savepoint_2',
      'select 1',
      'update t set a = 1',
    ]
    const frame = [`BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;${assign(7)}`, ...texts, 'COMMIT', 'select 1']
    const sent = statements([...frame.map((text) => issued(text, 3)), done('commit')])
    const places = sent.flatMap(({ commands }) => commands.map(({ text, place }) => [text, place]))
    const ran = statements(frame.map((text) => done(text, { application })))
    assert.deepEqual(
      places,
      ran.filter(({ kind }) => kind === 'task').map(({ text, place }) => [text, place]),
    )
    assert.deepEqual(places, [
      ['update t set a = 1', { transaction: transaction(7), nth: 0 }],
      ['update t set a = 1', { transaction: transaction(7), nth: 1 }],
      ['select 1', { transaction: transaction(7), nth: 0 }],
      ['update t set a = 1', { transaction: transaction(7), nth: 2 }],
      ['select 1', undefined],
    ])
  })

  test('are counted over all sessions of a transaction', () => {
    const of = (session: string, text: string): Line => done(text, { application, session })
    const ran = statements([
      of('a', `BEGIN;${assign(1)}`),
      of('b', `BEGIN;${assign(1)}`),
      of('c', `BEGIN;${assign(2)}`),
      ...['a', 'b', 'c'].map((session) => of(session, 'select 1')),
    ])
    assert.deepEqual(
      ran.flatMap(({ place }) => place ?? []),
      [
        { transaction: transaction(1), nth: 0 },
        { transaction: transaction(1), nth: 1 },
        { transaction: transaction(2), nth: 0 },
      ],
    )
  })
})

test('a statement is an application’s, a task of Citus, or its upkeep', () => {
  const rows: readonly (readonly [application: string, text: string, kind: string, gpid?: string])[] = [
    ['shop', 'commit', 'client'],
    ['citus_internal gpid=x', 'select 1', 'client'],
    [application, 'select 1', 'task', '999999990000021686'],
    ['citus_run_command gpid=10000000001', 'select 1', 'task', '10000000001'],
    ['citus_rebalancer gpid=10000000001', 'select 1', 'internal', '10000000001'],
    [application, 'SELECT a FROM dump_local_wait_edges()', 'internal', '999999990000021686'],
    [application, "SELECT gid FROM pg_prepared_xacts WHERE gid LIKE 'citus_0_%'", 'internal', '999999990000021686'],
    ...[
      `BEGIN;set local a = 'x';${assign(1)}`,
      'COMMIT',
      "PREPARE TRANSACTION 'citus_0_1_2_3'",
      "COMMIT PREPARED 'x'",
      'SAVEPOINT s',
    ].map((text) => [application, text, 'internal', '999999990000021686'] as const),
  ]
  for (const [name, text, kind, gpid] of rows) {
    const [told] = statements([done(text, { application: name })])
    assert.deepEqual([told?.kind, told?.gpid], [kind, gpid], text)
  }
})

suite('the setting with a trace context', () => {
  const id = (digit: number): string => `00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333${digit}-01`
  /** The last digit of the span that each statement has by the setting; a point for none. */
  const told = (texts: readonly (string | Line)[]): string =>
    statements(texts.map((text) => (typeof text === 'string' ? done(text) : text)))
      .map(({ context }) => (context?.source === 'guc' ? context.spanId.slice(-1) : '.'))
      .join('')
  const fails: Line = { severity: 'ERROR', message: 'x', code: '22012', statement: 'select 1/0' }
  const set = (digit: number): string => `SET LOCAL app.traceparent = '${id(digit)}'`
  const rows: readonly (readonly [what: string, texts: readonly (string | Line)[], spans: string])[] = [
    ['holds to the end of the transaction', ['begin', set(1), 'select 1', 'commit', 'select 1'], '.111.'],
    ['is nothing outside of one', [set(1), 'select 1'], '1.'],
    [
      'of the session holds',
      [`set app.traceparent to '${id(1)}'`, 'select 1', 'reset app.traceparent', 'select 1'],
      '11..',
    ],
    [
      'of the session goes with its transaction',
      ['begin', `set app.traceparent = '${id(1)}'`, 'rollback', 'select 1'],
      '.11.',
    ],
    [
      'of a transaction that failed',
      ['begin', `set App.Traceparent = '${id(1)}'`, fails, 'commit', 'select 1'],
      '.111.',
    ],
    [
      'by a function',
      ['begin', `select set_config('app.traceparent', '${id(1)}', true)`, 'select 1', 'commit', 'select 1'],
      '.111.',
    ],
    ['that nobody knows', ['begin', set(1), "select set_config('app.traceparent', $1, true)", 'select 1'], '.1..'],
    ['that is malformed', ['begin', set(1), "set local app.traceparent = 'x'", 'select 1'], '.1..'],
    [
      'comes back with a savepoint',
      [
        'begin',
        set(1),
        'savepoint a',
        set(2),
        'select 1',
        'rollback to savepoint a',
        'select 1',
        'release a',
        'select 1',
      ],
      '.11222111',
    ],
    [
      'stays when a savepoint is released',
      ['begin', 'savepoint a', set(2), 'release savepoint a', 'select 1', 'commit'],
      '..2222',
    ],
    [
      'as Citus sends it to a worker',
      [
        `BEGIN;${set(1)};SAVEPOINT s;${set(2)};${assign(1)}`,
        'select 1',
        'ROLLBACK TO SAVEPOINT s',
        'select 1',
        'COMMIT',
        'select 1',
      ],
      '22211.',
    ],
    ['in one string with what it is for', [`begin; ${set(3)}; select 1; commit`, 'select 1'], '3.'],
    ['after DISCARD ALL', [`set app.traceparent = '${id(1)}'`, 'discard all', 'select 1'], '1..'],
  ]
  for (const [what, texts, spans] of rows) test(what, () => assert.equal(told(texts), spans))
})

// Lines of jsonlog: read exactly, whatever is in their texts and wherever they are cut, and refused where they cannot be understood.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { LogRecords } from '../../../exporters/statements/log-records.ts'
import { readRecord } from '../../../exporters/statements/log-record.ts'
import type { LogRecord } from '../../../exporters/statements/statement.ts'

const plain = {
  timestamp: '2026-11-26 18:49:13.123 UTC',
  user: 'app',
  dbname: 'shop',
  pid: 12,
  remote_host: '[local]',
  session_id: '6926a1.c',
  line_num: 3,
  ps: 'SELECT',
  session_start: '2026-11-26 18:00:00 UTC',
  txid: 0,
  error_severity: 'ERROR',
  state_code: '42P01',
  message: 'relation "x" does not exist',
  detail: 'none',
  statement: 'select * from x',
  application_name: 'psql',
  backend_type: 'client backend',
}
const expected: LogRecord = {
  at: Date.UTC(2026, 10, 26, 18, 49, 13, 123),
  pid: 12,
  session: '6926a1.c',
  line: 3,
  sessionStart: Date.UTC(2026, 10, 26, 18),
  user: 'app',
  database: 'shop',
  application: 'psql',
  backendType: 'client backend',
  severity: 'ERROR',
  code: '42P01',
  message: 'relation "x" does not exist',
  detail: 'none',
  statement: 'select * from x',
  queryId: undefined,
  cut: false,
}
/** As PostgreSQL writes it: the number last, and in digits that a number of JavaScript cannot have. */
const lineOf = (fields: object, queryId?: bigint): string =>
  `${JSON.stringify({ ...plain, ...fields }).slice(0, -1)}${queryId === undefined ? '' : `,"query_id":${queryId}`}}`

const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.stringMatching(/^[\\"u0a{},:]{0,40}$/),
  fc.constantFrom(
    '","query_id":666}',
    '\\","query_id":666}',
    ',"query_id":',
    '","pid":1,"x":"',
    'x\\',
    'ä€𝄞\n\u0001\u007F',
  ),
)
const id = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })

suite('a line of jsonlog', () => {
  test('is read, with what may be missing', () => {
    assert.deepEqual(readRecord(lineOf({})), expected)
    const background = { user: undefined, dbname: undefined, application_name: undefined, state_code: undefined }
    assert.deepEqual(readRecord(lineOf({ ...background, detail: undefined, statement: undefined }, 0n)), {
      ...expected,
      user: undefined,
      database: undefined,
      application: '',
      code: undefined,
      detail: undefined,
      statement: undefined,
    })
  })

  test('keeps every number of 64 bits and every text, and no text can forge anything', () => {
    fc.assert(
      fc.property(id, hostile, hostile, hostile, (queryId, message, statement, user) => {
        assert.deepEqual(readRecord(lineOf({ message, statement, user }, queryId)), {
          ...expected,
          message,
          statement,
          user,
          queryId: queryId === 0n ? undefined : String(queryId),
        })
      }),
      { numRuns: 2_000 },
    )
    assert.equal((readRecord(lineOf({ message: ',"query_id":7}' })) as LogRecord).queryId, undefined)
  })

  test('that was cut anywhere in its texts still has the beginning of them, its fields before and those behind', () => {
    fc.assert(
      fc.property(id, hostile, hostile, fc.nat(), fc.nat(), (queryId, message, filler, from, to) => {
        const line = lineOf(
          { message: message + filler + 'x'.repeat(300), statement: undefined, detail: undefined },
          queryId,
        )
        const [text, end] = [line.indexOf('"message":"') + 11, line.indexOf('","application_name"')]
        const first = text + (from % (end - text))
        const second = first + (to % (end - first))
        const record = readRecord({ head: line.slice(0, first), tail: line.slice(second) })
        assert.ok(typeof record === 'object')
        assert.ok((message + filler + 'x'.repeat(300)).startsWith(record.message))
        assert.deepEqual(record, {
          ...expected,
          message: record.message,
          statement: undefined,
          detail: undefined,
          queryId: queryId === 0n ? undefined : String(queryId),
          cut: true,
        })
      }),
      { numRuns: 2_000 },
    )
  })

  test('that was cut behind its message is a record wherever that was', () => {
    const line = lineOf({ statement: 'x'.repeat(50) }, 9_007_199_254_740_993n)
    for (let at = line.indexOf('"detail"'); at < line.indexOf('"application_name"') - 1; at += 1) {
      const record = readRecord({ head: line.slice(0, at), tail: line.slice(line.indexOf(',"application_name"') - 5) })
      assert.ok(typeof record === 'object', line.slice(0, at))
      const { message, application, queryId, cut } = record
      assert.deepEqual([message, application, queryId, cut], [plain.message, 'psql', '9007199254740993', true])
    }
  })

  for (const [zone, hours] of [
    ['UTC', 0],
    ['GMT', 0],
    ['+03', 3],
    ['-0330', -3.5],
    ['+1245', 12.75],
  ] as const)
    test(`tells its time in ${zone}`, () => {
      const record = readRecord(lineOf({ timestamp: plain.timestamp.replace('UTC', zone) }))
      assert.equal(typeof record === 'object' && record.at, expected.at - hours * 3_600_000)
    })

  for (const [what, line, refusal] of [
    ['in a zone of which there are several', lineOf({ timestamp: '2026-11-26 18:49:13.123 CST' }), 'unknown-time'],
    ['in the zone of a summer', lineOf({ session_start: '2026-07-26 18:49:13 CEST' }), 'unknown-time'],
    ['without a time', lineOf({ timestamp: undefined }), 'unknown-time'],
    ['of no time there is', lineOf({ timestamp: '2026-13-26 18:49:13.123 UTC' }), 'unknown-time'],
    ['of something else', 'out of memory', 'not-json'],
    ['of nothing', '', 'not-json'],
    ['that is half', lineOf({}).slice(0, 100), 'not-json'],
    ['of JSON that is no record', '7', 'not-json'],
    ['of another program', '{"level":30,"msg":"x"}', 'incomplete'],
    ['without its process', lineOf({ pid: '12' }), 'incomplete'],
    ['without a message', lineOf({ message: 7 }), 'incomplete'],
    ['whose end is no end', { head: lineOf({}).slice(0, 300), tail: 'x'.repeat(100) }, 'not-json'],
  ] as const)
    test(`is refused: one ${what}`, () => assert.equal(readRecord(line), refusal))

  test('that is hostile does not take long', () => {
    for (const bad of ['\\', '"', ',"a":', '\\u00', '\u{FFFD}'])
      for (const tail of [bad, `x","query_id":1}`]) {
        const start = performance.now()
        readRecord({ head: lineOf({}).slice(0, 300) + bad.repeat(65_536), tail: bad.repeat(65_536) + tail })
        readRecord(bad.repeat(500_000))
        assert.ok(performance.now() - start < 2_000)
      }
  })
})

suite('records of lines', () => {
  test('come in order, those apart that were refused', () => {
    const records = new LogRecords()
    const at = (second: number): string => lineOf({ timestamp: `2026-11-26 18:49:0${second}.000 UTC` })
    assert.equal(records.read({ lines: ['x', at(1), at(2)] }).length, 2)
    records.read({ lines: [at(3), '{}', 'y'] })
    records.read({ lines: ['z'] })
    records.read({ lines: [at(4)] })
    assert.deepEqual(
      [...records.refused],
      [
        ['not-json', 3],
        ['incomplete', 1],
      ],
    )
  })
})

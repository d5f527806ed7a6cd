// Lines of the log in each format, as PostgreSQL writes them, and those that only look like one.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { readLine } from '../../../probes/host/log-lines.ts'
import type { LogFormat, LogLine } from '../../../probes/host/log-lines.ts'

const json = (fields: object): string =>
  JSON.stringify({ timestamp: '2026-11-26 16:00:00.123 UTC', user: 'u', dbname: 'd', pid: 12, ps: 'SELECT', ...fields })
const csv = (rest: string, user = '"u"'): string =>
  `2026-11-26 16:00:00.123 UTC,${user},"d",12,"[local]",6926a1.1,3,"SELECT",2026-11-26 15:59:00 UTC,3/12,0,${rest}`

const error = { severity: 'ERROR', code: '42P01', message: 'relation does not exist' }
const cases: readonly (readonly [what: string, LogFormat, line: string, LogLine | undefined])[] = [
  ['a message', 'json', json({ error_severity: 'ERROR', state_code: '42P01', message: error.message }), error],
  [
    'a message that was cut off',
    'json',
    json({ error_severity: 'ERROR', state_code: '42P01', message: error.message, statement: 'x' }).slice(0, -5),
    error,
  ],
  [
    'a name that looks like a key',
    'json',
    json({ user: '{"error_severity":"PANIC"', error_severity: 'LOG', state_code: '00000', message: 'hi' }),
    { severity: 'LOG', code: '00000', message: 'hi' },
  ],
  ['a line that is no message', 'json', 'out of memory', undefined],
  [
    'a message',
    'csv',
    csv('ERROR,42P01,"relation does not exist",,,,,,"select 1",15,,"psql","client backend",,0'),
    error,
  ],
  ['a message that was cut off', 'csv', csv('ERROR,42P01,"relation does not exist",,,,"sel'), error],
  ['a name with quotes and commas', 'csv', csv('ERROR,42P01,"relation does not exist",', '"a "",PANIC,"" b"'), error],
  ['a line that goes on with a statement', 'csv', '  from t where x = ",ERROR,42P01,"', undefined],
  [
    'a message',
    'log',
    '2026-11-26 16:00:00.123 UTC [12] ERROR:  relation does not exist',
    { ...error, code: undefined },
  ],
  ['a message without a prefix', 'log', 'PANIC:  oh', { severity: 'PANIC', code: undefined, message: 'oh' }],
  ['a message for developers', 'log', '[1] DEBUG3:  x', { severity: 'DEBUG', code: undefined, message: 'x' }],
  ['a statement that quotes a message', 'log', "2026 [12] STATEMENT:  select 'ERROR:  x'", undefined],
  ['a line that goes on', 'log', '\tERROR:  x', undefined],
  ['a line of somebody else', 'log', 'sh: 1: not found', undefined],
]

suite('a line of the log', () => {
  for (const [what, format, line, expected] of cases)
    test(`in ${format} is read: ${what}`, () => assert.deepEqual(readLine[format](line), expected))

  test('in another language is told without its severity', () => {
    assert.equal(readLine.json(json({ error_severity: 'FEHLER', state_code: '42P01' }))?.severity, 'other')
    assert.equal(readLine.csv(csv('FEHLER,42P01,"x",'))?.severity, 'other')
  })

  test('that is hostile does not take long', () => {
    const hostile = '"'.repeat(65_536)
    for (const line of [csv(hostile), csv('x', hostile), json({ message: '\\"'.repeat(20_000) }), 'A'.repeat(65_536)])
      for (const read of Object.values(readLine)) {
        const start = performance.now()
        read(line)
        assert.ok(performance.now() - start < 1_000)
      }
  })
})

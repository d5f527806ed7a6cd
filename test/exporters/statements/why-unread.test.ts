// Why statements are not read: one reason at a time, with what to do about it.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { ReaderFigures } from '../../../exporters/statements/figures.ts'
import { ShapeWindow } from '../../../exporters/statements/shape-window.ts'
import { tellTop } from '../../../exporters/statements/tell-top.ts'
import { whyUnread } from '../../../exporters/statements/why-unread.ts'
import type { LoggingFacts } from '../../../exporters/statements/why-unread.ts'
import { ended, shapeOf, statementOf } from '../../support/ended-statements.ts'

const settings = {
  logging_collector: 'on',
  log_destination: 'stderr,jsonlog',
  log_min_duration_statement: '100',
  log_min_duration_sample: '-1',
  log_statement_sample_rate: '1',
  log_transaction_sample_rate: '0',
}
const well: LoggingFacts = { wanted: true, folder: '/log', jsonlog: true, version: 150_020, settings }
const off = { ...settings, log_min_duration_statement: '-1' }

const cases: readonly (readonly [what: string, facts: LoggingFacts, reason: RegExp | undefined])[] = [
  ['all is well', well, undefined],
  [
    'nothing is known of the server',
    { wanted: true, folder: '/log', jsonlog: undefined, version: undefined, settings: {} },
    undefined,
  ],
  ['they are not wanted', { ...well, wanted: false }, /^CITUS_SIDECAR_STATEMENTS is false$/],
  ['there is no folder', { ...well, folder: undefined }, /^CITUS_SIDECAR_LOG_DIR is not set$/],
  ['the server is old', { ...well, version: 140_012 }, /^PostgreSQL 14 does not write jsonlog$/],
  [
    'nothing is collected',
    { ...well, settings: { ...settings, logging_collector: 'off' } },
    /^logging_collector is off$/,
  ],
  ['it is in another format', { ...well, settings: { ...settings, log_destination: 'csvlog' } }, /"csvlog"$/],
  ['it is elsewhere', { ...well, jsonlog: false }, /no file of jsonlog in \/log$/],
  ['no duration is logged', { ...well, settings: off }, /only statements that fail are logged$/],
  ['a part is', { ...well, settings: { ...off, log_min_duration_sample: '0' } }, undefined],
  [
    'a part that is none',
    { ...well, settings: { ...off, log_min_duration_sample: '0', log_statement_sample_rate: '0' } },
    /log_min_duration_statement is off/,
  ],
  ['whole transactions are', { ...well, settings: { ...off, log_transaction_sample_rate: '0.01' } }, undefined],
]

suite('why statements are not read', () => {
  for (const [what, facts, reason] of cases)
    test(what, () => {
      const found = whyUnread(facts)
      if (reason === undefined) assert.equal(found, undefined)
      else {
        assert.match(found?.reason ?? '', reason)
        assert.notEqual(found?.action, '')
      }
    })
})

suite('the report', () => {
  const query = { minutes: 10, by: 'total', limit: 1, kind: 'client' } as const
  const reader: ReaderFigures = {
    lines: 9,
    malformed: { json: 2, time: 1 },
    skippedBytes: 7,
    statements: {},
    restarts: 0,
  }
  const sources = { node: 'worker-1', reader, logging: { ...well, settings: off } }

  test('says whose it is, how much of the log it knows, and why it says nothing', () => {
    const { node, log, unread } = tellTop(new ShapeWindow(() => ended).top(query), sources)
    assert.deepEqual({ node, log }, { node: 'worker-1', log: { lines: 9, malformed: 3, skippedBytes: 7 } })
    assert.match(unread?.reason ?? '', /log_min_duration_statement/)
  })

  test('misses nothing where durations were read all the same, as those of one role', () => {
    const window = new ShapeWindow(() => ended)
    window.add(statementOf(1), shapeOf('orders'))
    assert.equal(tellTop(window.top(query), sources).unread, null)
  })
})

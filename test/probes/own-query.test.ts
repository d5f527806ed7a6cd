// A query of the user as a probe: where it is asked, and what becomes of its columns.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { queryProbe } from '../../probes/own-query.ts'
import type { OwnQuery } from '../../probes/own-query.ts'
import type { NodeFacts, ProbeContext } from '../../probes/probe.ts'
import { parseVersionRange } from '../../probes/version-range.ts'
import { probeLimits } from '../support/probe-limits.ts'
import { scriptedSql } from '../support/scripted-sql.ts'

const base: OwnQuery = {
  prefix: 'app_orders',
  text: 'select 1',
  columns: [
    { name: 'state', usage: 'label', help: 'State.' },
    { name: 'n', usage: 'gauge', help: 'How many.' },
    { name: 'done_total', usage: 'counter', help: 'How many ever.' },
  ],
  interval: 30_000,
  timeout: undefined,
  primaryOnly: false,
  versions: undefined,
  roles: undefined,
  database: undefined,
}
const facts: NodeFacts = { role: 'worker', inRecovery: false, version: 160_004 }
const context: ProbeContext = {
  sql: scriptedSql(),
  dial: async () => await Promise.resolve(),
  elsewhere: async () => await Promise.resolve([]),
  elapsed: () => 0,
  facts,
}

/** What it tells of these rows. */
async function told(rows: readonly Readonly<Record<string, unknown>>[], query = base) {
  const probe = queryProbe(query, probeLimits, async () => await Promise.resolve(rows))
  const { families } = await probe.read(context, AbortSignal.timeout(10_000))
  return families.map(({ spec, samples, dropped }) => ({ name: spec.name, type: spec.type, samples, dropped }))
}

suite('an own query', () => {
  test('has the schedule that it was given, and a session apart from all other probes', () => {
    const { name, interval, timeout, session } = queryProbe({ ...base, timeout: 200 }, probeLimits, async () => [])
    assert.deepEqual(
      { name, interval, timeout, session },
      { name: 'query.app_orders', interval: 30_000, timeout: 1_200, session: 'queries' },
    )
    assert.equal(queryProbe(base, probeLimits, async () => []).timeout, probeLimits.statementTimeout + 1_000)
  })

  test('becomes families: labels, gauges and counters by column', async () => {
    assert.deepEqual(await told([{ state: 'new', n: 2, done_total: '5', other: 'x' }]), [
      {
        name: 'app_orders_n',
        type: 'gauge',
        samples: [{ labels: { state: 'new' }, value: 2 }],
        dropped: 0,
      },
      {
        name: 'app_orders_done_total',
        type: 'counter',
        samples: [{ labels: { state: 'new' }, value: 5 }],
        dropped: 0,
      },
    ])
  })

  test('is told under a name with pg_, also where those of postgres_exporter are switched off', async () => {
    const limits = { ...probeLimits, pgMetrics: false }
    const probe = queryProbe(
      { ...base, prefix: 'pg_orders' },
      limits,
      async () => await Promise.resolve([{ state: 'new', n: 2, done_total: 5 }]),
    )
    const { families } = await probe.read(context, AbortSignal.timeout(10_000))
    assert.deepEqual(
      families.map(({ spec }) => spec.name),
      ['pg_orders_n', 'pg_orders_done_total'],
    )
  })

  const values: readonly (readonly [what: string, found: unknown, value: number | undefined])[] = [
    ['a flag', true, 1],
    ['a time', new Date(1_500), 1.5],
    ['a decimal', '0.25', 0.25],
    ['NULL', null, undefined],
    ['an empty text', ' ', undefined],
    ['a word', 'many', undefined],
    ['a list', [], undefined],
    ['an infinite time', Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  ]
  for (const [what, found, value] of values)
    test(`${value === undefined ? 'makes no sample' : `makes ${value}`} of ${what}`, async () => {
      const [family] = await told([{ state: '', n: found, done_total: null }])
      assert.deepEqual(
        family?.samples.map((sample) => sample.value),
        value === undefined ? [] : [value],
      )
    })

  const labels: readonly (readonly [found: unknown, label: string])[] = [
    [null, ''],
    [true, 'true'],
    [7, '7'],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
    [{ a: 1 }, '{"a":1}'],
  ]
  for (const [found, label] of labels)
    test(`makes the label "${label}" of ${JSON.stringify(found)}`, async () => {
      const [family] = await told([{ state: found, n: 1, done_total: 1 }])
      assert.deepEqual(family?.samples, [{ labels: { state: label }, value: 1 }])
    })

  test('fails where a column is declared that the result has not, and says which', async () => {
    await assert.rejects(told([{ state: 'new', m: 1 }]), {
      message: 'the result has no column n, done_total, which the file declares; it has state, m',
    })
    assert.deepEqual(
      (await told([])).map(({ samples }) => samples),
      [[], []],
      'of no rows nobody can tell',
    )
  })

  const skips: readonly (readonly [
    what: string,
    query: Partial<OwnQuery>,
    facts: NodeFacts,
    why: string | undefined,
  ])[] = [
    ['anywhere', {}, { role: 'standalone', inRecovery: undefined }, undefined],
    ['on a primary', { primaryOnly: true }, facts, undefined],
    ['on a standby', { primaryOnly: true }, { ...facts, inRecovery: true }, 'on a standby'],
    ['where nobody knows', { primaryOnly: true }, { ...facts, inRecovery: undefined }, 'on a standby'],
    ['on its role', { roles: ['coordinator', 'worker'] }, facts, undefined],
    ['on another role', { roles: ['coordinator'] }, facts, 'role worker'],
    ['in its version', { versions: parseVersionRange('>=16') }, facts, undefined],
    ['in another version', { versions: parseVersionRange('>=17') }, facts, 'PostgreSQL 16.4'],
    [
      'in an unknown version',
      { versions: parseVersionRange('>=17') },
      { ...facts, version: undefined },
      'PostgreSQL of unknown version',
    ],
  ]
  for (const [what, query, given, why] of skips)
    test(`is ${why === undefined ? '' : 'not '}asked ${what}`, () => {
      assert.equal(queryProbe({ ...base, ...query }, probeLimits, async () => []).skip(given), why)
    })
})

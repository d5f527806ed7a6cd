// The names that dashboards and alerts know: every family of postgres_exporter 0.19.1, as a run of it against PostgreSQL 15 and its standby told
// them (those of a vacuum in progress, of a slot in danger and of PostgreSQL 17 as its source has them), but for its label server.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { metrics } from '../../exporters/prometheus/metrics.ts'
import { everyFamily } from '../../probes/collections.ts'
import theirs from '../golden/postgres-exporter-0.19.1.json' with { type: 'json' }
import { page } from '../support/documents.ts'

interface Shape {
  readonly type: string
  readonly labels: readonly string[]
}

const ours = new Map<string, Shape>(
  [...everyFamily(), ...metrics].map(({ name, type = 'gauge', labels }) => [
    name,
    { type: type === 'unknown' ? 'untyped' : type, labels: [...labels].toSorted() },
  ]),
)

/** What docs/metrics.md says is left out. */
const leftOut: readonly string[] = ['pg_process_idle_seconds']
/** Ours under their prefix, which docs/metrics.md explains. */
const added: readonly string[] = ['pg_replication_lag', 'pg_settings_*']

test('every family of postgres_exporter is here with its type and labels', () => {
  const missing = Object.entries(theirs as Readonly<Record<string, Shape>>).filter(([name]) => !leftOut.includes(name))
  assert.ok(missing.length > 100)
  assert.deepEqual(Object.fromEntries(missing.map(([name]) => [name, ours.get(name)])), Object.fromEntries(missing))
})

test('no family has its prefix and is unknown to it, but for those that docs tell of', () => {
  const invented = [...ours.keys()].filter((name) => name.startsWith('pg_') && !(name in theirs))
  assert.deepEqual(invented.toSorted(), added.toSorted())
  const text = page('docs/metrics.md')
  for (const name of [...leftOut, ...added]) assert.ok(text.includes(`\`${name}\``), name)
})

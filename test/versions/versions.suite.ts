// Every question to PostgreSQL, asked of each major version that npm has and the everyday tests do not run on.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { collect, FamilyReading } from '../../probes/collection.ts'
import type { Collection } from '../../probes/collection.ts'
import { collectionsOf } from '../../probes/collections.ts'
import type { CollectionName } from '../../probes/collections.ts'
import type { NodeFacts } from '../../probes/probe.ts'
import { probeLimits } from '../support/probe-limits.ts'
import { withNpmServer } from './npm-server.ts'

const all: readonly Collection<CollectionName>[] = collectionsOf(probeLimits.paths)

/** The newest of each major version; 15 and 18 are those of the everyday tests. */
const releases = ['13.23.0-beta.16', '14.23.0-beta.17', '16.14.0-beta.17', '17.10.0-beta.17']

suite('the collections', () => {
  for (const release of releases)
    test(`on PostgreSQL ${release}`, async (context) => {
      await withNpmServer(release, async (client) => {
        await client.query('set search_path = pg_catalog')
        await client.query('create table public.t (id integer primary key, x text)')
        await client.query(`insert into public.t select g, 'x' from generate_series(1, 100) g`)
        const { rows } = await client.query<{ version: number }>(
          `select current_setting('server_version_num')::integer as version`,
        )
        const version = rows[0]?.version ?? 0
        assert.equal(Math.floor(version / 10_000), Number.parseInt(release, 10))
        const facts: NodeFacts = { role: 'standalone', inRecovery: false, version, extensions: [], coordinator: false }
        const sql = {
          query: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
            (await client.query(text, [...values])).rows as Row[],
        }
        let series = 0
        for (const collection of all.filter(({ name }) => name.startsWith('postgres.'))) {
          const probe = collect(collection, probeLimits)
          if (probe.skip(facts) !== undefined) continue
          const found: unknown = await probe
            .read(
              {
                sql,
                facts,
                elsewhere: async () => await Promise.resolve([]),
                elapsed: () => 0,
                dial: async () => await Promise.resolve(),
              },
              AbortSignal.timeout(30_000),
            )
            .catch((error: unknown) => assert.fail(`${probe.name}: ${String(error)}`))
          assert.ok(found instanceof FamilyReading)
          series += found.families.reduce((sum, { samples }) => sum + samples.length, 0)
        }
        assert.ok(series > 400, `${series} series`)
        context.diagnostic(`PostgreSQL ${version}: ${series} series`)
      })
    })
})

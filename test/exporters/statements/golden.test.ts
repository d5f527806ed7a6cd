// Logs that PostgreSQL 15 and Citus 13.2.2 wrote; test/e2e/statements-record.suite.ts records them anew.
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { assertDistributed, assertPlain } from '../../support/statement-claims.ts'
import { goldenLines } from '../../support/statement-log.ts'

test('what one server logged', () => assertPlain(goldenLines('plain')))

test('what a cluster logged', () => {
  const names = readdirSync(new URL('../../golden/jsonlog', import.meta.url)).map((name) =>
    name.replace(/\.jsonl$/, ''),
  )
  const nodes = names.flatMap((file) => {
    const [, name, port] = /^(.+)-(\d+)$/.exec(file) ?? []
    return name === undefined ? [] : [{ name, port: Number(port), lines: goldenLines(file) }]
  })
  assertDistributed(nodes)
})

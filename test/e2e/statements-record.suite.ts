// Records anew what real servers log of the scenarios, for tests that run without one: node test/run-suite.ts test/e2e/statements-record.suite.ts 300000
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { assertDistributed, assertPlain } from '../support/statement-claims.ts'
import { goldenLog } from '../support/statement-log.ts'
import { recordDistributed, recordPlain, startLogged } from '../support/statement-scenarios.ts'

/** Kept without what says where and when it was recorded, and without what asks Citus again and again. */
function keep(name: string, lines: readonly string[]): void {
  const kept = lines.filter(
    (line) => !line.includes('dump_local_wait_edges') && /"backend_type":"(?:client|para)/.test(line),
  )
  writeFileSync(goldenLog(name), `${kept.join('\n')}\n`)
}

test('what one server logs', async () => {
  const lines = await recordPlain()
  assertPlain(lines)
  keep('plain', lines)
})

test('what a cluster logs', async (t) => {
  await using cluster = await startLogged()
  if (cluster.kind !== 'citus') return t.skip('real Citus only: the stand-in sends no tasks')
  const logs = await recordDistributed(cluster, [cluster.coordinator])
  assertDistributed(logs)
  for (const { name, port, lines } of logs) keep(`${name}-${port}`, lines)
})

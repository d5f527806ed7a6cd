// What a page tells the one on call to ask the coordinator is asked here, of a real one: at three in the morning it must not be wrong.
import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { after, before, suite, test } from 'node:test'
import type { LocalCluster } from '../../../deploy/local/local-cluster.ts'
import { startCluster } from '../../../deploy/local/start-cluster.ts'
import { page, root } from '../../support/documents.ts'

const questions = ['deploy/runbooks/*.md', 'docs/operations.md', 'docs/events.md']
  .flatMap((pattern) => globSync(pattern, { cwd: root }))
  .toSorted()
  .flatMap((path) => [...page(path).matchAll(/^```sql\n([\s\S]*?)^```$/gm)].map(([, sql = '']) => ({ path, sql })))

suite('the SQL', () => {
  let cluster: LocalCluster
  before(async () => {
    cluster = await startCluster({ workers: 0, sidecars: false })
  })
  after(async () => await cluster.down())

  test('is found', () => assert.ok(questions.length > 5))

  for (const [index, { path, sql }] of questions.entries())
    test(`no. ${index + 1}, in ${path}, is understood`, async () => {
      await cluster.coordinator.postgres.query(sql.replaceAll('<node>', 'worker-1'))
    })
})

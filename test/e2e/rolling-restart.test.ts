// The promise itself: every node of a cluster is restarted under load, and no client notices more than a wait.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withoutPgBouncer } from '../support/pool-holds.ts'
import { rollingRestart } from '../bench/rolling-restart.ts'

test(
  'a cluster whose every node is restarted under load through its poolers fails no transaction and loses no write',
  { skip: withoutPgBouncer },
  async () => {
    const { failed, missingWrites, transactions, nodes } = await rollingRestart(undefined)
    assert.deepEqual({ failed, missingWrites }, { failed: 0, missingWrites: 0 })
    assert.deepEqual(
      nodes.map(({ name }) => name),
      ['worker-1', 'worker-2', 'coordinator'],
    )
    assert.ok(transactions > 0)
    // A hold stood around each: what clients did not see they waited for.
    for (const { name, waitedMs } of nodes) assert.ok(waitedMs > 0, name)
  },
)

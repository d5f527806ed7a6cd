// Liveness: the scheduler's own silence and nothing else.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { liveness } from '../../../probes/verdicts/liveness.ts'

test('alive while the scheduler ran within half a minute', () => {
  for (const age of [0, 1_000, 29_999, 30_000]) assert.equal(liveness(1_000_000 - age, 1_000_000).ok, true)
})

test('not alive once it was silent for longer, and says that PostgreSQL is not touched', () => {
  const verdict = liveness(1_000_000 - 30_001, 1_000_000)
  assert.equal(verdict.ok, false)
  assert.deepEqual(verdict.checks, [
    {
      name: 'scheduler',
      status: 'failed',
      reason: 'the scheduler last ran 30 s ago',
      action: 'the kubelet restarts the sidecar; PostgreSQL is not touched',
    },
  ])
})

test('a wall clock that was set back does not kill it', () => {
  assert.equal(liveness(1_000_000, 900_000).ok, true)
})

// Which of the states on record the cluster is compared with at a start without drain.json.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { readOwnStop, stateToCompare } from '../../../agent/drain/last-stop.ts'
import type { StopState } from '../../../agent/drain/stop-state.ts'

const state: StopState = {
  takenAt: 1,
  systemIdentifier: '7',
  timeline: 1,
  lsn: '0/5',
  nodes: [],
  placements: {},
  prepared: [],
  settings: {},
  operation: 'last',
}
const compared: StopState = { ...state, returnedAt: '2026-01-01' }
const newer: StopState = { ...state, operation: 'newer' }

suite('the state to compare with', () => {
  const cases: readonly [
    what: string,
    own: StopState | undefined,
    ledger: StopState | undefined,
    StopState | undefined,
  ][] = [
    ["is the node's own", state, newer, state],
    ["is the ledger's where the node has none", undefined, state, state],
    ['is none where there is none', undefined, undefined, undefined],
    ['is none where the node compared and the ledger was away', compared, state, undefined],
    ["is the ledger's where the volume was brought back from before that stop", compared, newer, newer],
  ]
  for (const [what, own, ledger, expected] of cases)
    test(what, () => assert.equal(stateToCompare(own, ledger), expected))

  test('is none on a server that is not prepared, and any other error is one', async () => {
    const failing = (code: string): Parameters<typeof readOwnStop>[0] => ({
      query: async () => await Promise.reject(Object.assign(new Error('no'), { code })),
    })
    assert.equal(await readOwnStop(failing('42P01'), 'x'), undefined)
    assert.equal(await readOwnStop(failing('3F000'), 'x'), undefined)
    await assert.rejects(readOwnStop(failing('57P01'), 'x'), { code: '57P01' })
  })
})

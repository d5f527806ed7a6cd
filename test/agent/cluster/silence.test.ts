// Whether a silent member is lost, and its address free, by the heartbeats that it promised.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { gaveUpAddress, isLost } from '../../../agent/cluster/silence.ts'
import { moment } from '../../support/join-facts.ts'

const cases: readonly [what: string, heartbeatSeconds: number | null, lostAfter: number, freeAfter: number][] = [
  ['a sidecar that does not say how often', null, 75, 120],
  ['the usual heartbeat', 30, 75, 120],
  ['a slow one', 600, 1_500, 2_400],
  ['a quick one, which may take its time all the same', 1, 10, 120],
]

suite('a silent member', () => {
  for (const [what, heartbeatSeconds, lostAfter, freeAfter] of cases)
    test(`with ${what} is lost after ${lostAfter} s and gives its address up after ${freeAfter} s`, () => {
      const silentFor = (seconds: number) => ({ heartbeatSeconds, lastSeen: moment - seconds * 1_000 })
      assert.deepEqual(
        [lostAfter, lostAfter + 1].map((seconds) => isLost(silentFor(seconds), moment)),
        [false, true],
      )
      assert.deepEqual(
        [freeAfter, freeAfter + 1].map((seconds) => gaveUpAddress(silentFor(seconds), moment)),
        [false, true],
      )
    })
})

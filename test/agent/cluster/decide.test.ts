// What to do about a registration: every case of the table of decisions, and that the table leaves nothing out.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { decide } from '../../../agent/cluster/decide.ts'
import type { Decision } from '../../../agent/cluster/decide.ts'
import { findings } from '../../../agent/cluster/findings.ts'
import type { FindingCode } from '../../../agent/cluster/findings.ts'
import { actions } from '../../../agent/cluster/ledger.ts'
import { decisions } from '../../support/decisions.ts'
import type { Expected } from '../../support/decisions.ts'
import { stops } from '../../support/stops.ts'

const table = [...decisions, ...stops]

/** Findings that come from elsewhere: from what could not be asked, from settings, or from an action's outcome. */
const fromElsewhere: readonly FindingCode[] = [
  'coordinator-unreachable',
  'coordinator-unprepared',
  'node-unprepared',
  'local-unknown',
  'another-sidecar',
  'registration-off',
  'draining',
  'maintenance',
  'registration-failed',
]

function told(decision: Decision): Expected {
  if (decision.do === 'act') return `act ${decision.action}`
  return decision.do === 'stop' ? `stop ${decision.finding.code}` : 'nothing'
}

suite('a decision', () => {
  for (const [what, facts, expected, says] of table) {
    test(`${what}: ${expected}`, () => {
      const decision = decide(facts)
      assert.equal(told(decision), expected, JSON.stringify(decision))
      if (decision.do === 'nothing') return
      const why = decision.do === 'act' ? decision.because : decision.finding.reason
      assert.notEqual(why, '')
      if (says !== undefined) assert.match(why, says)
    })
  }

  test('has a case for every action', () => {
    const covered = new Set(table.map(([, , expected]) => expected))
    const missing = Object.keys(actions).filter((action) => ![...covered].some((one) => one === `act ${action}`))
    assert.deepEqual(missing, [])
  })

  test('has a case for every finding that it can come to', () => {
    const covered = table.flatMap(([, , expected]) => (expected.startsWith('stop ') ? [expected.slice(5)] : []))
    assert.deepEqual([...new Set([...covered, ...fromElsewhere])].toSorted(), Object.keys(findings).toSorted())
  })
})

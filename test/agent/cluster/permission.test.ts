// What forbids acting on a decision, and in which order it is said.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Decision } from '../../../agent/cluster/decide.ts'
import { finding } from '../../../agent/cluster/findings.ts'
import { permit } from '../../../agent/cluster/permission.ts'
import type { Circumstances } from '../../../agent/cluster/permission.ts'

const free: Circumstances = { alone: true, draining: undefined, maintenance: false, register: true, stopped: undefined }
const act: Decision = { do: 'act', action: 'add', node: undefined, because: 'it is not there' }
const nothing: Decision = { do: 'nothing', node: undefined }
const refused: Decision = { do: 'stop', finding: finding('removed', 'it was there') }
const failure = finding('registration-failed', 'it did not work')

suite('a decision', () => {
  test('is carried out where nothing forbids it', () => {
    for (const decision of [act, nothing, refused]) assert.equal(permit(decision, free), decision)
  })

  test('of a second sidecar is none, whatever it is', () => {
    for (const decision of [act, nothing, refused])
      assert.partialDeepStrictEqual(permit(decision, { ...free, alone: false }), {
        do: 'stop',
        finding: { code: 'another-sidecar' },
      })
  })

  for (const [code, circumstances, reason] of [
    [
      'draining',
      { draining: 'it is being drained', maintenance: true, register: false, stopped: failure },
      /^it is not there, and it is being drained$/,
    ],
    [
      'maintenance',
      { maintenance: true, register: false, stopped: failure },
      /^it is not there, and nothing is done in maintenance$/,
    ],
    ['registration-off', { register: false, stopped: failure }, /^it is not there, and CITUS_SIDECAR_REGISTER is off$/],
    ['registration-failed', { stopped: failure }, /^it did not work$/],
  ] as const) {
    test(`to act is stopped by ${code}, to do nothing is not`, () => {
      const stopped = permit(act, { ...free, ...circumstances })
      assert.ok(stopped.do === 'stop')
      assert.equal(stopped.finding.code, code)
      assert.match(stopped.finding.reason, reason)
      for (const decision of [nothing, refused]) assert.equal(permit(decision, { ...free, ...circumstances }), decision)
    })
  }
})

// Findings: each says what to do, and which errors on the way to a decision are findings at all.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { finding, findingOfError, findings } from '../../../agent/cluster/findings.ts'
import type { FindingCode } from '../../../agent/cluster/findings.ts'
import { SidecarError } from '../../../agent/errors.ts'
import { serverError } from '../../support/scripted-sql.ts'

suite('a finding', () => {
  test('is its row of the table with the reason', () => {
    for (const [code, { kind, action }] of Object.entries(findings)) {
      assert.notEqual(action, '', code)
      assert.deepEqual(finding(code as FindingCode, 'why'), { code, kind, action, reason: 'why' })
    }
  })

  test('that is refused never resolves by itself, so its action asks for something', () => {
    for (const [code, { kind, action }] of Object.entries(findings))
      if (kind === 'refuse') assert.doesNotMatch(action, /^wait\b/, code)
  })
})

const errors: readonly [code: string, here: FindingCode | undefined, there: FindingCode | undefined][] = [
  ['42P01', 'node-unprepared', 'coordinator-unprepared'],
  ['3F000', 'node-unprepared', 'coordinator-unprepared'],
  ['42883', 'node-unprepared', 'coordinator-unprepared'],
  ['23505', 'address-taken', 'address-taken'],
  ['57P03', undefined, undefined],
  ['ECONNREFUSED', undefined, undefined],
]

suite('an error', () => {
  for (const [code, here, there] of errors) {
    test(`${code} is ${here ?? 'no finding'} on this node, ${there ?? 'no finding'} on the coordinator`, () => {
      assert.equal(findingOfError(serverError(code, 'x'), true)?.code, here)
      assert.equal(findingOfError(serverError(code, 'x'), false)?.code, there)
    })
  }

  test('of our own is no finding: nobody answered', () => {
    assert.equal(findingOfError(new SidecarError('QUERY_TIMEOUT', 'x'), true), undefined)
  })

  test('that is a finding keeps what the server said', () => {
    const found = findingOfError(serverError('42P01', 'relation "citus_sidecar.members" does not exist'), false)
    assert.match(found?.reason ?? '', /ledger is missing on the coordinator \(relation .* does not exist \[42P01\]\)/)
  })
})

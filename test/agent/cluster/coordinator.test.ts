// Which of several coordinators is the one, and when nobody may choose.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { choose } from '../../../agent/cluster/coordinator.ts'
import type { Candidate } from '../../../agent/cluster/coordinator.ts'
import { SidecarError } from '../../../agent/errors.ts'

let starts = 0

function candidate(host: string, changes: Partial<Omit<Candidate, 'target'>> = {}): Candidate {
  return {
    target: {
      address: { host, port: 5432 },
      use: 'test',
      user: 'citus_sidecar',
      passwordFile: undefined,
      database: 'app',
      statementTimeout: 5_000,
      lockTimeout: 1_000,
    },
    inRecovery: false,
    systemIdentifier: '7000',
    timeline: 3,
    // No two servers of a test started at one moment, unless it says so.
    startedAt: (starts += 1),
    ...changes,
  }
}

const standby = { inRecovery: true }

type Case = readonly [what: string, candidates: readonly Candidate[], expected: string]

const cases: readonly Case[] = [
  ['one primary', [candidate('a')], 'a'],
  ['a primary among standbys', [candidate('a', standby), candidate('b'), candidate('c', standby)], 'b'],
  [
    'a primary on an older timeline than a standby claims',
    [candidate('a', { ...standby, timeline: 9 }), candidate('b')],
    'b',
  ],
  ['two primaries of one system, one on a newer timeline', [candidate('a'), candidate('b', { timeline: 4 })], 'b'],
  ['the same, named the other way round', [candidate('b', { timeline: 4 }), candidate('a')], 'b'],
  ['two primaries on one timeline', [candidate('a'), candidate('b')], 'TWO_COORDINATORS'],
  [
    'two primaries of different systems',
    [candidate('a'), candidate('b', { systemIdentifier: '9', timeline: 4 })],
    'TWO_COORDINATORS',
  ],
  [
    'three primaries, the newest timeline once',
    [candidate('a'), candidate('b', { timeline: 5 }), candidate('c', { timeline: 4 })],
    'b',
  ],
  [
    'three primaries, the newest timeline twice',
    [candidate('a'), candidate('b', { timeline: 4 }), candidate('c', { timeline: 4 })],
    'TWO_COORDINATORS',
  ],
  [
    'a third primary of another system on the oldest timeline',
    [candidate('a', { timeline: 5 }), candidate('b', { timeline: 4 }), candidate('c', { systemIdentifier: '9' })],
    'TWO_COORDINATORS',
  ],
  ['two names of one server', [candidate('a', { startedAt: -1 }), candidate('b', { startedAt: -1 })], 'a'],
  [
    'two names of one server, beside a copy of it',
    [candidate('a', { startedAt: -1 }), candidate('b', { startedAt: -1 }), candidate('c')],
    'TWO_COORDINATORS',
  ],
  [
    'two servers started at one moment',
    [candidate('a', { startedAt: -1 }), candidate('b', { startedAt: -1, systemIdentifier: '9' })],
    'TWO_COORDINATORS',
  ],
  ['standbys only', [candidate('a', standby), candidate('b', standby)], 'NO_COORDINATOR'],
  ['nobody', [], 'NO_COORDINATOR'],
]

suite('the coordinator', () => {
  for (const [what, candidates, expected] of cases) {
    test(`${what}: ${expected}`, () => {
      if (/^[a-z]$/.test(expected)) return assert.equal(choose(candidates, []).target.address.host, expected)
      assert.throws(() => choose(candidates, ['d: no answer']), { name: 'SidecarError', code: expected })
    })
  }

  test('that cannot be found is explained by what each candidate said', () => {
    assert.throws(() => choose([candidate('a', standby)], ['b:5432 as citus_sidecar: refused']), {
      message: 'no coordinator answers as a primary: a:5432 is in recovery; b:5432 as citus_sidecar: refused',
    })
  })

  test('that exists twice is explained by both, and what to do', () => {
    assert.throws(() => choose([candidate('a'), candidate('b', { systemIdentifier: '9' })], []), {
      message: /^a:5432 and b:5432 both answer as primary \(system identifiers 7000 and 9, .*; stop the wrong one$/,
    })
  })

  test('does not depend on the order in which the candidates are named', () => {
    const one = fc.record({
      inRecovery: fc.boolean(),
      timeline: fc.integer({ min: 1, max: 3 }),
      systemIdentifier: fc.constantFrom('7000', '9'),
    })
    const outcome = (candidates: readonly Candidate[]): string => {
      try {
        return choose(candidates, []).target.address.host
      } catch (error) {
        assert.ok(error instanceof SidecarError)
        return error.code
      }
    }
    fc.assert(
      fc.property(fc.array(one, { maxLength: 4 }), (list) => {
        const candidates = list.map((changes, index) => candidate(`host-${index}`, changes))
        assert.equal(outcome(candidates), outcome(candidates.toReversed()))
      }),
    )
  })
})

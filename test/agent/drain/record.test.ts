// What a drain that is over is said to have come to: only one whose every phase ended well is complete.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { phaseNames } from '../../../agent/drain/machine.ts'
import type { DrainRecord } from '../../../agent/drain/record.ts'
import { viewOf } from '../../../agent/drain/record.ts'

type Phase = DrainRecord['phases'][number]

const passed: readonly Phase[] = phaseNames.map((name) => ({ name, state: 'done', reason: '', tookMs: 1 }))

function record(change: Partial<DrainRecord>): DrainRecord {
  return {
    id: '00000000-0000-4000-8000-000000000000',
    state: 'done',
    cause: 'pod-deletion',
    startedAt: 0,
    endsAt: 1,
    run: null,
    systemIdentifier: null,
    phases: [...passed],
    holdUntil: null,
    heldAt: null,
    cancelled: false,
    ...change,
  }
}

/** Phases with one of them replaced. */
function but(name: Phase['name'], change: Partial<Phase>): Phase[] {
  return passed.map((one) => (one.name === name ? { ...one, ...change } : one))
}

const failed = { state: 'failed', reason: 'no one answered' } as const

const table: readonly (readonly [what: string, change: Partial<DrainRecord>, end: object | undefined])[] = [
  ['a drain that goes on', { state: 'hold', phases: passed.slice(0, 2) }, undefined],
  ['one whose phases all ended well', {}, { ok: true, reason: '' }],
  ['one that left a phase out', { phases: but('hold', { state: 'skipped' }) }, { ok: true, reason: '' }],
  ['one with a failed phase', { phases: but('hold', failed) }, { ok: false, reason: 'hold: no one answered' }],
  [
    'one that never came to its last phases',
    { state: 'down', phases: [...passed.slice(0, 5), { name: 'settle', ...failed, tookMs: 1 }] },
    { ok: false, reason: 'settle: no one answered; not begun: flush, keep' },
  ],
  [
    'one that PostgreSQL left between two phases',
    { state: 'down', phases: passed.slice(0, 6) },
    { ok: false, reason: 'not begun: flush, keep' },
  ],
  [
    'one whose last phase still runs',
    { state: 'down', phases: but('keep', { state: 'running' }) },
    { ok: false, reason: 'keep: it did not end' },
  ],
  ['one of a server that did not run', { state: 'down', phases: [] }, { ok: true, reason: '' }],
  ['one that a person cancelled', { state: 'back', cancelled: true }, { ok: false, reason: 'cancelled by a person' }],
]

suite('the end of a drain', () => {
  for (const [what, change, end] of table)
    test(`is shown for ${what}`, () => assert.deepEqual(viewOf(record(change)).end, end))
})

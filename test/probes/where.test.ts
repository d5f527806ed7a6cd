// On which nodes a collection is asked, and that what docs say of it is what is done.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { NodeFacts } from '../../probes/probe.ts'
import { notAskedOn, notAskedReasons } from '../../probes/where.ts'
import type { Where } from '../../probes/where.ts'

const worker: NodeFacts = {
  role: 'worker',
  inRecovery: false,
  version: 150_020,
  coordinator: false,
  citus: '13.2.2',
  extensions: ['citus'],
}

const cases: readonly [
  what: string,
  where: Where,
  fits: Partial<NodeFacts>,
  not: Partial<NodeFacts>,
  reason: string,
][] = [
  ['Citus', { citus: true }, {}, { role: 'standalone' }, 'role standalone'],
  ['a version of Citus', { citus: '13.2' }, { citus: '14.0.1' }, { citus: '13.1.9' }, 'before Citus 13.2'],
  ['the coordinator', { coordinator: true }, { coordinator: true }, {}, 'but for the coordinator'],
  ['a primary', { primary: true }, {}, { inRecovery: true }, 'on a standby'],
  ['a standby', { primary: false }, { inRecovery: true }, {}, 'on a primary'],
  [
    'a PgBouncer',
    { pgbouncer: true },
    { pgbouncer: true },
    {},
    'without CITUS_SIDECAR_PGBOUNCER_ADDRESS beside PostgreSQL',
  ],
  [
    'a PgBouncer beside it',
    { pgbouncer: true },
    { role: 'pooler' },
    { pgbouncer: false },
    'without CITUS_SIDECAR_PGBOUNCER_ADDRESS beside PostgreSQL',
  ],
  ['a version', { since: 15 }, {}, { version: 140_011 }, 'before PostgreSQL 15'],
  ['an older version', { before: 16 }, {}, { version: 160_000 }, 'since PostgreSQL 16'],
  ['an extension', { extension: 'a' }, { extensions: ['a'] }, {}, 'without the extension a'],
]

suite('a collection that needs', () => {
  for (const [what, where, fits, not, reason] of cases)
    test(`${what} is asked where that is, and not where it is not or nobody knows`, () => {
      assert.equal(notAskedOn(where, { ...worker, ...fits }), undefined)
      assert.equal(notAskedOn(where, { ...worker, ...not }), reason)
      assert.ok(notAskedReasons(where).includes(reason))
      const nobodyKnows: NodeFacts = { role: where.citus === true ? 'standalone' : 'worker', inRecovery: undefined }
      assert.equal(notAskedOn(where, nobodyKnows), notAskedReasons(where).at(where.citus === undefined ? 0 : -1))
    })

  test('nothing is asked everywhere', () => {
    assert.equal(notAskedOn({}, { role: 'standalone', inRecovery: undefined }), undefined)
    assert.deepEqual(notAskedReasons({}), [])
  })
})

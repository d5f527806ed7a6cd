// The one list of probes: names, deadlines, and on which nodes each is left out.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { allProbes } from '../../probes/index.ts'
import type { NodeFacts, ProbeLimits, ProbeName } from '../../probes/probe.ts'
import { probeLimits } from '../support/probe-limits.ts'

const paths = { data: '/data', log: '/log', certificates: ['/tls.crt'], pgbackrest: '/pgbackrest' }

function probesWith(limits: Partial<ProbeLimits> = {}) {
  return allProbes({ ...probeLimits, ...limits }, () => ({ message: 'failed', code: undefined, timedOut: false }))
}

function skippedOn(facts: NodeFacts, limits: Partial<ProbeLimits> = { paths }): readonly ProbeName[] {
  return probesWith(limits)
    .filter((probe) => probe.skip({ pgbouncer: true, ...facts }) !== undefined)
    .map((probe) => probe.name)
}

const citus: readonly ProbeName[] = ['citus.versions', 'citus.local', 'citus.nodes', 'citus.peers']

const left: readonly [string, NodeFacts, readonly ProbeName[]][] = [
  ['a primary worker', { role: 'worker', inRecovery: false }, ['postgres.replication']],
  ['a primary coordinator', { role: 'coordinator', inRecovery: false }, ['postgres.replication']],
  ['a standby', { role: 'worker', inRecovery: true }, ['postgres.writable', 'citus.peers']],
  ['a standby of the coordinator', { role: 'coordinator', inRecovery: true }, ['postgres.writable', 'citus.peers']],
  ['a node that has not answered yet', { role: 'worker', inRecovery: undefined }, []],
  ['a standalone primary', { role: 'standalone', inRecovery: false }, ['postgres.replication', ...citus]],
  ['a standalone standby', { role: 'standalone', inRecovery: true }, ['postgres.writable', ...citus]],
]

for (const [node, facts, expected] of left) {
  test(`on ${node} ${expected.length === 0 ? 'nothing' : expected.join(', ')} is left out`, () => {
    const collecting = new Set(probesWith().flatMap(({ name, families }) => (families === undefined ? [] : [name])))
    const others = skippedOn(facts).filter((name) => !collecting.has(name))
    assert.deepEqual(others.toSorted(), [...expected].toSorted())
  })
}

test('without settings of where things are nothing is looked for there', () => {
  const facts: NodeFacts = { role: 'coordinator', inRecovery: false, coordinator: true }
  const withThem = new Set(skippedOn(facts))
  const without = skippedOn(facts, {}).filter((name) => !withThem.has(name))
  assert.deepEqual(without, ['host.archive', 'host.certificates', 'host.pgbackrest', 'host.log'])
})

test('without the address of a PgBouncer none is asked', () => {
  const facts: NodeFacts = { role: 'coordinator', inRecovery: false, coordinator: true }
  const withOne = new Set(skippedOn(facts))
  assert.deepEqual(
    skippedOn({ ...facts, pgbouncer: false }).filter((name) => !withOne.has(name)),
    ['alive', 'pools', 'stats', 'capacity', 'lists', 'config'].map((name) => `pgbouncer.${name}`),
  )
})

test('no two probes have one name, and each says what it asks', () => {
  const probes = probesWith()
  assert.equal(new Set(probes.map(({ name }) => name)).size, probes.length)
  for (const { help } of probes) assert.match(help, /^[A-Z].*\.$/)
})

test('with any allowed limits both looks at PostgreSQL end before the frozen limit does', () => {
  const bounds = fc.integer({ min: 2_000, max: 600_000 }).chain((frozenAfter) =>
    fc.record({
      frozenAfter: fc.constant(frozenAfter),
      connectTimeout: fc.integer({ min: 100, max: frozenAfter - 1 }),
    }),
  )
  fc.assert(
    fc.property(bounds, (limits) => {
      for (const probe of probesWith(limits)) {
        assert.ok(probe.interval > 0 && probe.timeout > 0)
        if (probe.name !== 'postgres.alive' && probe.name !== 'postgres.connect') continue
        assert.ok(probe.interval + probe.timeout <= limits.frozenAfter, `${probe.name} ends too late`)
      }
    }),
  )
})

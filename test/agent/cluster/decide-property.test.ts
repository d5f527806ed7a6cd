// What deciding never does, whatever the facts: thousands of clusters in odd states, made of few names so that they collide.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { decide } from '../../../agent/cluster/decide.ts'
import type { Decision } from '../../../agent/cluster/decide.ts'
import type { JoinFacts } from '../../../agent/cluster/facts.ts'
import { findings } from '../../../agent/cluster/findings.ts'
import type { FindingCode } from '../../../agent/cluster/findings.ts'
import { guardVolumes } from '../../../agent/cluster/volume-guard.ts'
import { blankNotebook, coordinatorFacts, memberOf, moment, rowOf, workerFacts } from '../../support/join-facts.ts'

const name = fc.constantFrom('coordinator', 'worker-1', 'worker-2')
const maybe = <T>(some: fc.Arbitrary<T>) => fc.option(some, { nil: undefined })
const orNull = <T>(some: fc.Arbitrary<T>) => fc.option(some, { nil: null })
const group = fc.nat(3)
const system = fc.constantFrom('7000', '7002', '7003', '9999')
const server = fc.constantFrom('server-0', 'new')
const timeline = fc.integer({ min: 2, max: 4 })
const lsn = fc.constantFrom('0/1', '0/5000000', '0/6000000', 'A/0')
const port = fc.constantFrom(5432, 6000)
const history = fc.constantFrom('', '3\t0/4000000\tx\n', '2\t0/5000000\n3\t0/7000000\tx\n', '3\tZ/0', '\0')

const row = fc
  .record({
    group,
    host: name,
    port,
    role: fc.constantFrom('primary', 'secondary', 'unavailable'),
    active: fc.boolean(),
    metadataSynced: fc.boolean(),
    placements: fc.nat(2),
  })
  .map(({ group: id, host, ...changes }) => rowOf(id, host, changes))

const member = fc
  .record({
    name,
    group,
    host: name,
    port,
    nodeId: orNull(group),
    systemIdentifier: orNull(system),
    timeline: orNull(timeline),
    lsn: orNull(lsn),
    inRecovery: fc.boolean(),
    lastSeen: fc.constantFrom(moment, moment - 300_000),
  })
  .map(({ name: known, group: id, ...changes }) => memberOf(known, id, changes))

const facts: fc.Arbitrary<JoinFacts> = fc
  .record({
    base: fc.constantFrom(workerFacts(), coordinatorFacts()),
    name,
    host: name,
    port,
    wish: fc.record({ id: maybe(group), from: fc.constantFrom('configured', 'ordinal', 'none') }),
    registerStandby: fc.boolean(),
    followPromotion: fc.boolean(),
    identity: fc.record({ systemIdentifier: system, timeline, lsn, inRecovery: fc.boolean() }),
    local: fc.record({ groupId: group, placements: fc.nat(2) }),
    notebook: fc.record({
      name: maybe(name),
      timeline: maybe(timeline),
      coordinatorSystemIdentifier: maybe(system),
      coordinatorServerId: maybe(server),
      verifiedAt: maybe(fc.constant(moment)),
    }),
    coordinator: fc.record({
      systemIdentifier: system,
      serverId: maybe(server),
      groupId: fc.constantFrom(0, 0, 0, 2),
      inRecovery: fc.constantFrom(false, false, false, true),
    }),
    nodes: fc.array(row, { maxLength: 5 }),
    members: fc.uniqueArray(member, { maxLength: 3, selector: (one) => one.name }),
    history,
    accepted: maybe(fc.constantFrom(...(Object.keys(findings) as FindingCode[]))),
  })
  .map((made) => ({
    self: {
      ...made.base.self,
      name: made.name,
      address: { host: made.host, port: made.port },
      group: made.wish,
      registerStandby: made.registerStandby,
      followPromotion: made.followPromotion,
      identity: { ...made.base.self.identity, ...made.identity },
      local: { ...made.base.self.local, ...made.local },
    },
    notebook: { ...blankNotebook, ...made.notebook },
    view: { coordinator: made.coordinator, nodes: made.nodes },
    members: made.members,
    timelineHistory: made.history,
    accepted: made.accepted,
  }))

/** Checks something of every decision that acts; deciding may not throw on the way. */
function whenever(check: (act: Extract<Decision, { do: 'act' }>, given: JoinFacts) => void): void {
  let acted = 0
  fc.assert(
    fc.property(facts, (given) => {
      const decision = decide(given)
      if (decision.do !== 'act') return
      acted += 1
      check(decision, given)
    }),
    { numRuns: 5_000 },
  )
  assert.ok(acted > 50, `only ${acted} of the decisions acted: nothing was tested`)
}

suite('whatever the facts, deciding', () => {
  test('never throws, and always gives a reason that a person can act on', () => {
    fc.assert(
      fc.property(facts, (given) => {
        const decision = decide(given)
        if (decision.do === 'stop') assert.ok(decision.finding.reason !== '' && decision.finding.action !== '')
        if (decision.do === 'act') assert.notEqual(decision.because, '')
      }),
      { numRuns: 5_000 },
    )
  })

  test('never acts where the volume guard found something', () => {
    whenever((act, given) => assert.equal(guardVolumes(given), undefined, act.action))
  })

  test('says nothing but what the guard found, unless the server asked is no coordinator or the role is wrong', () => {
    fc.assert(
      fc.property(facts, (given) => {
        const found = guardVolumes(given)
        if (found === undefined) return
        const decision = decide(given)
        assert.ok(decision.do === 'stop')
        const earlier: readonly FindingCode[] = ['coordinator-standby', 'role-mismatch']
        assert.ok(decision.finding.code === found.code || earlier.includes(decision.finding.code))
      }),
      { numRuns: 5_000 },
    )
  })

  test('never acts on a coordinator that is in recovery or is a worker', () => {
    whenever((_act, { view }) => assert.ok(!view.coordinator.inRecovery && view.coordinator.groupId === 0))
  })

  test('never acts for a worker on another coordinator than the one it knows', () => {
    whenever((_act, { self, notebook, view }) => {
      const knows = notebook.coordinatorSystemIdentifier
      if (self.role === 'worker' && knows !== undefined) assert.equal(view.coordinator.systemIdentifier, knows)
    })
  })

  test('adds only where neither the address nor the group has a row', () => {
    whenever((act, { self, view }) => {
      if (act.action !== 'add') return
      assert.ok(!view.nodes.some((node) => node.host === self.address.host && node.port === self.address.port))
      const primaries = view.nodes.filter(({ role }) => role === 'primary').map(({ groupId }) => groupId)
      assert.ok(self.group.id === undefined || !primaries.includes(self.group.id))
      assert.ok(self.local.groupId === 0 || !primaries.includes(self.local.groupId))
    })
  })

  test('activates only what a person accepted', () => {
    whenever((act, { accepted }) => {
      if (act.action === 'activate') assert.ok(accepted === 'disabled' || accepted === 'volume-empty')
    })
  })

  test('follows a promotion only where told to, and only on a newer timeline', () => {
    whenever((act, { self, members }) => {
      if (act.action !== 'follow-promotion') return
      const old = members.find((one) => one.host === act.node?.host && one.port === act.node.port)
      assert.ok(self.followPromotion && (old?.timeline ?? 0) < self.identity.timeline)
    })
  })

  test('changes no row but that of its own group', () => {
    whenever((act, { self }) => {
      if (act.node !== undefined && act.action !== 'activate') assert.equal(act.node.groupId, self.local.groupId)
    })
  })

  test('lets a standby do nothing but register as a secondary, or be activated as one', () => {
    whenever((act, { self }) => {
      if (self.identity.inRecovery) assert.ok(act.action === 'add-secondary' || act.action === 'activate')
      else assert.notEqual(act.action, 'add-secondary')
    })
  })

  test('sets the host of a coordinator only from the coordinator', () => {
    whenever((act, { self }) => {
      if (act.action === 'set-coordinator-host') assert.equal(self.role, 'coordinator')
      if (act.action === 'add') assert.equal(self.role, 'worker')
    })
  })
})

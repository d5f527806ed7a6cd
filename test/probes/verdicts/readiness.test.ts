// Readiness: a table of states and the checks that fail in them; what fails always says why and what to do.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { AcceptanceState } from '../../../probes/postgres/acceptance.ts'
import { noMemory, readiness } from '../../../probes/verdicts/readiness.ts'
import type { CheckStatus, Join, NodeState, Verdict } from '../../../probes/verdicts/verdict.ts'
import * as states from '../../support/node-state.ts'
import { broken, good, healthy, healthyStandby, met, now, withLimits } from '../../support/node-state.ts'
import { withoutReadings, withReadings } from '../../support/node-state.ts'

const worker = healthy('worker')
const coordinator = healthy('coordinator')
const standalone = healthy('standalone')
const standby = healthyStandby()

function joined(join: Partial<Join>, state = worker): NodeState {
  return { ...state, join: { ...states.verified, reason: 'why', action: 'do this', ...join } }
}

function silent(code: string | undefined, message = 'it failed', timedOut = false): NodeState {
  return withReadings(worker, { 'postgres.alive': broken('postgres.alive', { code, message, timedOut }) })
}

function unwritable(code: string | undefined, state = worker): NodeState {
  return withReadings(state, { 'postgres.writable': broken('postgres.writable', { code }) })
}

function versions(changed: { extension?: string | undefined; library?: string; libraryError?: string }): NodeState {
  const found = { extension: '13.2-1', library: '13.2.2', libraryError: undefined, available: '13.2-1', ...changed }
  return withReadings(worker, { 'citus.versions': good('citus.versions', found) })
}

function unreachable(state: NodeState): NodeState {
  const peer = { host: 'worker-2', port: 5432, groupId: 3, reachable: false, durationMs: 5_000 }
  const other = { ...peer, host: 'worker-3', groupId: 4, reachable: true }
  return withReadings(state, { 'citus.peers': good('citus.peers', [peer, other]) })
}

function daemonless(state: NodeState): NodeState {
  const found = state.readings['citus.local']?.value
  assert.ok(found !== undefined)
  return withReadings(state, { 'citus.local': good('citus.local', { ...found, daemonRunning: false }) })
}

const blind = { finding: 'blind', reason: 'the coordinator cannot be asked (no answer)' } as const
const day = 86_400_000

/** What is wrong, and every check that is then not ok, with its status. */
type Row = readonly [what: string, state: NodeState, notOk: Readonly<Record<string, CheckStatus>>]

const table: readonly Row[] = [
  ['a healthy worker', worker, {}],
  ['a healthy coordinator', coordinator, {}],
  ['a healthy standalone server', standalone, {}],
  ['a healthy standby', standby, {}],
  [
    'nothing was asked yet',
    { ...worker, readings: {}, join: { ...states.verified, finding: 'pending', reason: 'not asked', action: 'wait' } },
    { postgres: 'failed', connections: 'unknown', versions: 'unknown', registered: 'failed' },
  ],
  [
    'in maintenance',
    { ...worker, maintenance: { on: true, changedAt: now, reason: 'disk swap' } },
    { maintenance: 'failed' },
  ],
  [
    'in maintenance without a reason',
    { ...worker, maintenance: { on: true, changedAt: now, reason: '' } },
    { maintenance: 'failed' },
  ],

  ['the held session is refused', silent('ECONNREFUSED'), { postgres: 'failed' }],
  ['the held session is not answered', silent(undefined, 'no answer within 3500 ms', true), { postgres: 'failed' }],
  ['the held session was cut', silent('57P01'), { postgres: 'failed' }],
  ['the held session fails for another reason', silent('XX000'), { postgres: 'failed' }],
  ['the last answer is 5 s old', { ...worker, now: now + 4_900 }, {}],
  ['the last answer is older than 5 s', { ...worker, now: now + 4_901 }, { postgres: 'failed' }],
  ['nothing has been answered for 6 s', { ...worker, now: now + 6_000 }, { postgres: 'failed', connections: 'failed' }],

  ['no new connection was tried yet', withoutReadings(worker, 'postgres.connect'), { connections: 'unknown' }],
  ['new connections hang', withReadings(worker, met('frozen')), { connections: 'failed' }],
  ['new connections are refused', withReadings(worker, met('refused')), { connections: 'failed' }],
  ['new connections meet a start', withReadings(worker, met('starting')), { connections: 'failed' }],
  ['new connections meet recovery', withReadings(worker, met('recovering')), { connections: 'failed' }],
  ['new connections meet a shutdown', withReadings(worker, met('shutting-down')), { connections: 'failed' }],
  ['the server is full', withReadings(worker, met('full')), { connections: 'warning' }],
  ['our login is refused', withReadings(worker, met('login-refused')), { connections: 'warning' }],
  ['our database is gone for new connections', withReadings(worker, met('no-database')), { connections: 'warning' }],
  ['a new connection fails strangely', withReadings(worker, met('failed')), { connections: 'warning' }],

  ['the server is read-only', unwritable('25006'), { writable: 'failed' }],
  ['the disk is full', unwritable('53100'), { writable: 'failed' }],
  ['the volume has I/O errors', unwritable('58030'), { writable: 'failed' }],
  ['the notebook is missing', unwritable('42P01'), { writable: 'failed' }],
  ['our schema is missing', unwritable('3F000'), { writable: 'failed' }],
  ['the notebook may not be written', unwritable('42501'), { writable: 'failed' }],
  ['the write waited too long for a lock', unwritable('55P03'), { writable: 'unknown' }],
  ['the write had no answer', unwritable(undefined), { writable: 'unknown' }],
  ['no write was tried yet', withoutReadings(worker, 'postgres.writable'), {}],
  ['a standby refuses writes, as it should', unwritable('25006', standby), {}],

  ['the standby lags', withReadings(standby, states.replicating(1024 ** 3)), { replication: 'failed' }],
  ['the standby is cut off', withReadings(standby, states.replicating(undefined, null)), { replication: 'failed' }],
  ['replication was not asked yet', withoutReadings(standby, 'postgres.replication'), { replication: 'unknown' }],

  ['the extension is missing', versions({ extension: undefined }), { versions: 'failed' }],
  ['Citus does not answer', versions({ libraryError: 'library not loaded' }), { versions: 'failed' }],
  ['extension and library differ', versions({ library: '13.3.0' }), { versions: 'failed' }],
  ['the versions were not asked yet', withoutReadings(worker, 'citus.versions'), { versions: 'unknown' }],
  [
    'the versions cannot be asked for a moment',
    withReadings(worker, { 'citus.versions': broken('citus.versions', {}, worker.readings['citus.versions']) }),
    {},
  ],
  ['a standalone server has no Citus', withoutReadings(standalone, 'citus.versions', 'citus.local', 'citus.peers'), {}],

  ['joining waits', joined({ finding: 'pending' }), { registered: 'failed' }],
  ['joining is refused', joined({ finding: 'refused' }), { registered: 'failed' }],
  [
    'joining is refused though it was verified just now',
    joined({ finding: 'refused', verifiedAt: now }),
    { registered: 'failed' },
  ],
  ['blind and never verified', joined({ ...blind, verifiedAt: undefined }), { registered: 'failed' }],
  ['blind, but verified a year ago', joined({ ...blind, verifiedAt: now - 365 * day }), { registered: 'warning' }],
  [
    'blind for just as long as is allowed',
    withLimits(joined({ ...blind, verifiedAt: now - 60_000 }), { registrationMaxAge: 60_000 }),
    { registered: 'warning' },
  ],
  [
    'blind for longer than is allowed',
    withLimits(joined({ ...blind, verifiedAt: now - 60_001 }), { registrationMaxAge: 60_000 }),
    { registered: 'failed' },
  ],
  [
    'verified, however old the limit is',
    withLimits(joined({ verifiedAt: now - day }), { registrationMaxAge: 60_000 }),
    {},
  ],
  ['a standalone server belongs to nobody', joined({ finding: 'off', verifiedAt: undefined }, standalone), {}],

  ['metadata is out of sync after the first verification', joined({ metadataSynced: false }), { metadata: 'warning' }],
  ['nobody knows whether metadata is in sync', joined({ metadataSynced: undefined }), {}],
  ['the row of the coordinator is never in sync', joined({ metadataSynced: false }, coordinator), {}],
  ['the maintenance daemon does not run', daemonless(worker), { daemon: 'warning' }],
  ['a standby has no maintenance daemon', daemonless(standby), {}],
  ['a worker does not reach another', unreachable(worker), { peers: 'warning' }],
  ['a coordinator does not reach a worker', unreachable(coordinator), { peers: 'warning' }],
  ['others run another Citus', { ...worker, otherVersions: ['worker-2 13.1.0'] }, { 'version-skew': 'warning' }],
  [
    'several things at once',
    { ...unreachable(unwritable('53100')), maintenance: { on: true, changedAt: now, reason: '' } },
    { maintenance: 'failed', writable: 'failed', peers: 'warning' },
  ],
]

function judge(state: NodeState): Verdict {
  return readiness(state, noMemory).verdict
}

suite('readiness', () => {
  for (const [what, state, expected] of table) {
    test(`${what}: ${
      Object.entries(expected)
        .map(([name, status]) => `${name} ${status}`)
        .join(', ') || 'ready'
    }`, () => {
      const { ok, checks } = judge(state)
      const notOk = checks.filter(({ status }) => status !== 'ok')
      assert.deepEqual(Object.fromEntries(notOk.map(({ name, status }) => [name, status])), expected)
      assert.equal(ok, !Object.values(expected).includes('failed'))
      for (const { name, status, reason, action } of notOk) {
        assert.notEqual(reason, '', `${name} says no reason`)
        if (status !== 'unknown') assert.notEqual(action, '', `${name} says nothing to do`)
      }
      assert.equal(new Set(checks.map(({ name }) => name)).size, checks.length, 'a check comes twice')
    })
  }
})

function reasonOf(state: NodeState, check: string): string {
  return judge(state).checks.find(({ name }) => name === check)?.reason ?? ''
}

suite('a reason', () => {
  test('of maintenance says since when and why', () => {
    const state = { ...worker, maintenance: { on: true, changedAt: now, reason: 'disk swap' } }
    assert.equal(reasonOf(state, 'maintenance'), 'in maintenance since 2025-06-01T12:00:00.000Z: disk swap')
  })

  test('of a dead PostgreSQL is what a new connection meets, unless that got through', () => {
    const starting: AcceptanceState = 'starting'
    assert.match(reasonOf(withReadings(silent('57P01'), met(starting)), 'postgres'), /^PostgreSQL is starting up/)
    assert.match(reasonOf(silent('57P01'), 'postgres'), /^PostgreSQL is shutting down/)
  })

  test('of crash recovery shows its progress', () => {
    const value = { state: 'starting', message: 'starting up', latencyMs: 1, replaying: '00A' } as const
    const state = withReadings(silent('57P03', 'starting up'), { 'postgres.connect': good('postgres.connect', value) })
    assert.match(reasonOf(state, 'postgres'), /replaying WAL file 00A/)
  })

  test('of a stale registration says how old it is and why nobody can be asked', () => {
    assert.equal(
      reasonOf(joined({ ...blind, verifiedAt: now - 600_000 }), 'registered'),
      'stale: verified 10 min ago, since then the coordinator cannot be asked (no answer)',
    )
  })

  test('of unreachable nodes names at most five', () => {
    const list = Array.from({ length: 8 }, (_, index) => ({
      host: `worker-${index}`,
      port: 5432,
      groupId: index + 1,
      reachable: false,
      durationMs: 1,
    }))
    const reason = reasonOf(withReadings(worker, { 'citus.peers': good('citus.peers', list) }), 'peers')
    assert.match(reason, /^8 of 8 other nodes cannot be reached from here: worker-0:5432, .*worker-4:5432$/)
  })

  test('of a refused registration is the finding itself, with its action', () => {
    const { checks } = judge(joined({ finding: 'refused', reason: 'it was disabled', action: 'accept it' }))
    const check = checks.find(({ name }) => name === 'registered')
    assert.deepEqual([check?.reason, check?.action], ['it was disabled', 'accept it'])
  })
})

test('readiness remembers standby and latency from one look to the next', () => {
  const lagging = readiness(withReadings(standby, states.replicating(65 * 1024 ** 2)), noMemory)
  const catching = withReadings(standby, states.replicating(40 * 1024 ** 2))
  assert.equal(readiness(catching, noMemory).verdict.ok, true)
  assert.equal(readiness(catching, lagging.memory).verdict.ok, false)

  let { memory } = lagging
  let verdict: Verdict | undefined
  for (let second = 0; second < 8; second += 1) {
    const value = { latencyMs: 500, inRecovery: false, startedAt: 0 }
    const slow = states.later(withReadings(worker, { 'postgres.alive': good('postgres.alive', value) }), second * 1_000)
    ;({ verdict, memory } = readiness(withLimits(slow, { maxLatency: 100 }), memory))
  }
  assert.deepEqual(
    verdict?.checks.filter(({ status }) => status === 'failed').map(({ name }) => name),
    ['latency'],
  )
})

// A healthy node as the verdicts see it, to be spoiled one thing at a time.
import type { AcceptanceState } from '../../probes/postgres/acceptance.ts'
import type { ProbeName, Reading, ReadingError, Readings, ReadingTypes } from '../../probes/probe.ts'
import type { Join, NodeState, ReadinessLimits } from '../../probes/verdicts/verdict.ts'

/** The moment at which the state is looked at, milliseconds since 1970. */
export const now = Date.parse('2025-06-01T12:00:00Z')

const startedAt = now - 3_600_000

/** A run of a probe that ended well `age` milliseconds before now. */
export function good<N extends ProbeName>(probe: N, value: ReadingTypes[N], age = 100): Reading<ReadingTypes[N]> {
  const takenAt = now - age
  return {
    probe,
    begunAt: takenAt - 2,
    takenAt,
    durationMs: 2,
    waitedMs: 0,
    value,
    error: undefined,
    lastGood: { value, takenAt },
    failures: 0,
  }
}

/** A run that failed 100 ms before now, after none or one that went well. */
export function broken<N extends ProbeName>(
  probe: N,
  error: Partial<ReadingError>,
  before?: Reading<ReadingTypes[N]>,
): Reading<ReadingTypes[N]> {
  return {
    probe,
    begunAt: now - 102,
    takenAt: now - 100,
    durationMs: 2,
    waitedMs: 0,
    value: undefined,
    error: { message: 'it failed', code: undefined, timedOut: false, ...error },
    lastGood: before?.lastGood,
    failures: (before?.failures ?? 0) + 1,
  }
}

/** What a new connection met. */
export function met(state: AcceptanceState, message = `said ${state}`): Readings {
  const value = { state, message, latencyMs: 3, replaying: undefined }
  return { 'postgres.connect': good('postgres.connect', value) }
}

/** A standby's replication as read 100 ms ago; status null: there is no WAL receiver. */
export function replicating(
  lagBytes: number | undefined,
  status: string | null = 'streaming',
  replayPaused = false,
  heardAgo = 10,
): Readings {
  const silentMs = status === null ? undefined : heardAgo
  const value = { status: status ?? undefined, lagBytes, silentMs, silenceAllowedMs: 35_000, replayPaused }
  return { 'postgres.replication': good('postgres.replication', value) }
}

export const verified: Join = {
  finding: 'verified',
  verifiedAt: now - 1_000,
  metadataSynced: true,
  reason: 'node 2 of group 2',
  action: '',
}

const limits: ReadinessLimits = {
  frozenAfter: 5_000,
  standbyMaxLag: 64 * 1024 ** 2,
  standbyGrace: 60_000,
  maxLatency: undefined,
  registrationMaxAge: undefined,
}

const versions = { extension: '13.2-1', library: '13.2.2', libraryError: undefined, available: '13.2-1' }
const local = {
  startedAt,
  groupId: 2,
  serverId: 'of-this-node',
  placements: 4,
  nodes: 3,
  groupPrimary: { host: 'worker-1', port: 5432 },
  daemonRunning: true,
}

function readingsOf(inRecovery: boolean): Readings {
  const primary = { 'postgres.writable': good('postgres.writable', { latencyMs: 1 }) }
  return {
    'postgres.alive': good('postgres.alive', { latencyMs: 0.4, inRecovery, startedAt }),
    'postgres.connect': good('postgres.connect', {
      state: 'accepting',
      message: '',
      latencyMs: 3,
      replaying: undefined,
    }),
    'citus.versions': good('citus.versions', versions),
    'citus.local': good('citus.local', local),
    'citus.peers': good('citus.peers', [
      { host: 'worker-2', port: 5432, groupId: 3, reachable: true, durationMs: 4 },
      { host: 'worker-3', port: 5432, groupId: 4, reachable: true, durationMs: 4 },
    ]),
    ...(inRecovery ? replicating(0) : primary),
  }
}

/** A primary that is well in every respect. */
export function healthy(role: NodeState['role'] = 'worker'): NodeState {
  return {
    now,
    role,
    readings: readingsOf(false),
    join: role === 'standalone' ? { ...verified, finding: 'off', reason: '' } : verified,
    maintenance: { on: false, changedAt: 0, reason: '' },
    draining: undefined,
    otherVersions: [],
    limits,
  }
}

/** A standby that is well in every respect. */
export function healthyStandby(): NodeState {
  return { ...healthy(), readings: readingsOf(true) }
}

/** The state with some readings replaced. */
export function withReadings(state: NodeState, readings: Readings): NodeState {
  return { ...state, readings: { ...state.readings, ...readings } }
}

/** The state without some readings. */
export function withoutReadings(state: NodeState, ...names: readonly ProbeName[]): NodeState {
  const kept = Object.entries(state.readings).filter(([name]) => !names.some((gone) => gone === name))
  return { ...state, readings: Object.fromEntries(kept) as Readings }
}

/** The state with other limits. */
export function withLimits(state: NodeState, changed: Partial<ReadinessLimits>): NodeState {
  return { ...state, limits: { ...limits, ...changed } }
}

/** The state as it would be `ms` later, with the same readings taken again at that time. */
export function later(state: NodeState, ms: number): NodeState {
  const moved = Object.entries(state.readings).map(([name, one]) => [
    name,
    one && { ...one, takenAt: one.takenAt + ms },
  ])
  return { ...state, now: state.now + ms, readings: Object.fromEntries(moved) as Readings }
}

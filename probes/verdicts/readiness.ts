// May traffic come here, and if not, why and what to do: one function a check, in the order in which they are shown.
import { acceptanceOf, acceptanceTexts } from '../postgres/acceptance.ts'
import type { AcceptanceState } from '../postgres/acceptance.ts'
import { versionsAgree } from '../citus/versions.ts'
import { latencyCheck } from './latency.ts'
import type { LatencyMemory } from './latency.ts'
import { standbyCheck } from './standby.ts'
import type { StandbyMemory } from './standby.ts'
import { ageText, failed, ok, toVerdict, unknown, warning } from './verdict.ts'
import type { Check, NodeState, Verdict } from './verdict.ts'

/** What hysteresis remembers from one verdict to the next. */
export interface ReadinessMemory {
  readonly standby: StandbyMemory
  readonly latency: LatencyMemory
}

export const noMemory: ReadinessMemory = {
  standby: { lagging: false, goodAt: undefined },
  latency: { slow: false, window: [], takenAt: 0 },
}

/** Readiness of a node and what to remember for the next time. */
export function readiness(state: NodeState, memory: ReadinessMemory): { verdict: Verdict; memory: ReadinessMemory } {
  const standby = standbyCheck(state, memory.standby)
  const latency = latencyCheck(state, memory.latency)
  const checks = [
    maintenanceCheck(state),
    drainCheck(state),
    postgresCheck(state),
    connectionsCheck(state),
    writableCheck(state),
    standby.check,
    latency.check,
    versionsCheck(state),
    registeredCheck(state),
    metadataCheck(state),
    daemonCheck(state),
    peersCheck(state),
    versionSkewCheck(state),
  ].filter((check) => check !== undefined)
  return { verdict: toVerdict(checks), memory: { standby: standby.memory, latency: latency.memory } }
}

function maintenanceCheck(state: NodeState): Check {
  const { maintenance } = state
  if (!maintenance.on) return ok('maintenance')
  const why = maintenance.reason === '' ? '' : `: ${maintenance.reason}`
  return failed(
    'maintenance',
    `in maintenance since ${new Date(maintenance.changedAt).toISOString()}${why}`,
    'run `citus-sidecar maintenance off` when done',
  )
}

function drainCheck({ draining }: NodeState): Check | undefined {
  if (draining === undefined) return undefined
  return failed('drain', draining, 'wait until the node is back, or run `citus-sidecar drain --cancel`')
}

function postgresCheck(state: NodeState): Check {
  const reading = state.readings['postgres.alive']
  if (reading === undefined) return failed('postgres', 'PostgreSQL has not been asked yet', 'wait a moment')
  if (reading.error !== undefined) {
    const seen = state.readings['postgres.connect']?.value
    // The new connection tells best what the server is doing, unless it still got through.
    const known = seen !== undefined && seen.state !== 'accepting' ? seen.state : acceptanceOf(reading.error)
    const { reason, action } = acceptanceTexts[known === 'accepting' ? 'failed' : known]
    const progress = seen?.replaying === undefined ? '' : `, replaying WAL file ${seen.replaying}`
    return failed('postgres', `${reason} (${reading.error.message}${progress})`, action)
  }
  const age = state.now - reading.takenAt
  if (age > state.limits.frozenAfter)
    return failed('postgres', `no answer from PostgreSQL for ${ageText(age)}`, acceptanceTexts.frozen.action)
  return ok('postgres', `answered in ${(reading.value?.latencyMs ?? 0).toFixed(1)} ms, ${ageText(age)} ago`)
}

// A full server or a refused login of ours does not stop the clients that are served.
const closed: ReadonlySet<AcceptanceState> = new Set(['starting', 'recovering', 'shutting-down', 'frozen', 'refused'])

function connectionsCheck(state: NodeState): Check {
  const reading = state.readings['postgres.connect']
  const seen = reading?.value
  if (reading === undefined || seen === undefined) return unknown('connections', 'no new connection has been tried yet')
  const age = state.now - reading.takenAt
  if (age > state.limits.frozenAfter + reading.durationMs)
    return failed(
      'connections',
      `no new connection has been answered for ${ageText(age)}`,
      acceptanceTexts.frozen.action,
    )
  if (seen.state === 'accepting') return ok('connections')
  const { reason, action } = acceptanceTexts[seen.state]
  const text = `${reason} (a new connection met: ${seen.message})`
  return closed.has(seen.state) ? failed('connections', text, action) : warning('connections', text, action)
}

/** SQLSTATEs of a server that cannot write: read-only transaction, disk full, I/O error. */
const unwritable: Readonly<Record<string, { reason: string; action: string }>> = {
  '25006': { reason: 'PostgreSQL is read-only', action: 'look at default_transaction_read_only and who set it' },
  '53100': { reason: 'the disk is full', action: 'free space or grow the volume' },
  '58030': { reason: 'PostgreSQL met an I/O error', action: 'look at the volume and the server log' },
}

function writableCheck(state: NodeState): Check | undefined {
  const reading = state.readings['postgres.writable']
  if (reading === undefined || state.readings['postgres.alive']?.value?.inRecovery === true) return undefined
  if (reading.error === undefined) return ok('writable')
  const known = unwritable[reading.error.code ?? '']
  if (known !== undefined) return failed('writable', `${known.reason} (${reading.error.message})`, known.action)
  if (reading.error.code === '42P01' || reading.error.code === '3F000' || reading.error.code === '42501') {
    return failed(
      'writable',
      `the sidecar's notebook cannot be written (${reading.error.message})`,
      'run `citus-sidecar bootstrap` on this node',
    )
  }
  return unknown('writable', `the write could not be tried (${reading.error.message})`)
}

function versionsCheck(state: NodeState): Check | undefined {
  if (state.role === 'standalone') return undefined
  const reading = state.readings['citus.versions']
  const found = reading?.lastGood?.value
  if (found === undefined) return unknown('versions', reading?.error?.message ?? 'not asked yet')
  if (found.extension === undefined)
    return failed(
      'versions',
      'the Citus extension is not in this database',
      'check PGDATABASE, or run `citus-sidecar bootstrap --create`',
    )
  if (found.libraryError !== undefined)
    return failed(
      'versions',
      `Citus does not answer: ${found.libraryError}`,
      'put citus first in shared_preload_libraries and run ALTER EXTENSION citus UPDATE',
    )
  if (!versionsAgree(found))
    return failed(
      'versions',
      `extension ${found.extension} and library ${found.library} differ`,
      'run ALTER EXTENSION citus UPDATE',
    )
  return ok('versions', `Citus ${found.library ?? found.extension}`)
}

function registeredCheck(state: NodeState): Check | undefined {
  const { join, limits, now } = state
  if (join.finding === 'off') return undefined
  if (join.finding === 'verified') return ok('registered', join.reason)
  if (join.finding !== 'blind') return failed('registered', join.reason, join.action)
  // Once verified a node stays ready while nobody can be asked: the coordinator's outage must not take the workers along.
  if (join.verifiedAt === undefined) return failed('registered', join.reason, join.action)
  const age = now - join.verifiedAt
  if (limits.registrationMaxAge !== undefined && age > limits.registrationMaxAge) {
    return failed('registered', `${join.reason}, and the last verification is ${ageText(age)} old`, join.action)
  }
  return warning('registered', `stale: verified ${ageText(age)} ago, since then ${join.reason}`, join.action)
}

function metadataCheck(state: NodeState): Check | undefined {
  if (state.role !== 'worker' || state.join.metadataSynced !== false) return undefined
  return warning(
    'metadata',
    "the coordinator says this node's metadata is not in sync",
    'wait for the maintenance daemon of the coordinator; if it stays, look for unreachable nodes',
  )
}

function daemonCheck(state: NodeState): Check | undefined {
  const found = state.readings['citus.local']?.value
  if (found === undefined || state.readings['postgres.alive']?.value?.inRecovery === true) return undefined
  if (found.daemonRunning) return ok('daemon')
  return warning(
    'daemon',
    'the Citus maintenance daemon does not run',
    'look for free max_worker_processes and the server log; without it nobody recovers two-phase commits',
  )
}

function peersCheck(state: NodeState): Check | undefined {
  const list = state.readings['citus.peers']?.lastGood?.value
  if (list === undefined) return undefined
  const lost = list.filter((peer) => !peer.reachable).map((peer) => `${peer.host}:${peer.port}`)
  if (lost.length === 0) return ok('peers')
  const shown = lost.slice(0, 5).join(', ')
  return warning(
    'peers',
    `${lost.length} of ${list.length} other nodes cannot be reached from here: ${shown}`,
    'look whether they run, and at pg_dist_authinfo and pg_hba.conf',
  )
}

function versionSkewCheck(state: NodeState): Check | undefined {
  if (state.otherVersions.length === 0) return undefined
  return warning(
    'version-skew',
    `other nodes run another Citus: ${state.otherVersions.slice(0, 5).join(', ')}`,
    'finish the rolling upgrade',
  )
}

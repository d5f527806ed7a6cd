// Which of the configured coordinators is the one: the primary, and where two claim to be, the one on the newer timeline.
import type { Address, Config } from '../config.ts'
import { reasonOf, SidecarError } from '../errors.ts'
import type { Clock } from '../loop/clock.ts'
import { coordinatorTarget, localTarget } from '../pg/conninfo.ts'
import type { ConnectionTarget } from '../pg/conninfo.ts'
import { Session } from '../pg/session.ts'

/** One configured coordinator as it answered. */
export interface Candidate {
  readonly target: ConnectionTarget
  readonly inRecovery: boolean
  readonly systemIdentifier: string
  readonly timeline: number
  /** Start of the postmaster, milliseconds since 1970: two names of one server have it in common, two servers do not. */
  readonly startedAt: number
}

/** How long an answer holds while nothing breaks, milliseconds. */
const cacheFor = 60_000

const sql = `
  select pg_catalog.pg_is_in_recovery() as "inRecovery", control.system_identifier::text as "systemIdentifier",
         (extract(epoch from pg_catalog.pg_postmaster_start_time()) * 1000)::float8 as "startedAt",
         greatest(checkpoint.timeline_id,
                  case when pg_catalog.pg_is_in_recovery() then 0
                       else ('x' || substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_flush_lsn()), 1, 8))::bit(32)::int end) as timeline
    from pg_catalog.pg_control_system() control, pg_catalog.pg_control_checkpoint() checkpoint`

/** The primary among those that answered. @throws SidecarError NO_COORDINATOR or TWO_COORDINATORS. */
export function choose(candidates: readonly Candidate[], silent: readonly string[]): Candidate {
  const primaries = candidates.filter((one) => !one.inRecovery).toSorted((a, b) => b.timeline - a.timeline)
  const [first] = primaries
  // Another server that its timeline does not rule out.
  const rival = primaries.find(
    (one) =>
      one.systemIdentifier !== first?.systemIdentifier ||
      (one.timeline === first.timeline && one.startedAt !== first.startedAt),
  )
  const name = (one: Candidate): string => `${one.target.address.host}:${one.target.address.port}`
  if (first === undefined) {
    const standbys = candidates.map((one) => `${name(one)} is in recovery`)
    throw new SidecarError(
      'NO_COORDINATOR',
      `no coordinator answers as a primary: ${[...standbys, ...silent].join('; ')}`,
    )
  }
  if (rival !== undefined) {
    throw new SidecarError(
      'TWO_COORDINATORS',
      `${name(first)} and ${name(rival)} both answer as primary (system identifiers ${first.systemIdentifier} and ${rival.systemIdentifier}, timelines ${first.timeline} and ${rival.timeline}); stop the wrong one`,
    )
  }
  return first
}

/** Finds the coordinator and remembers it until somebody says it no longer is. */
export class CoordinatorLocator {
  readonly #config: Config
  readonly #clock: Clock
  readonly #candidates: (use: string) => readonly ConnectionTarget[]
  #found: { target: ConnectionTarget; until: number } | undefined

  constructor(config: Config, clock: Clock) {
    this.#config = config
    this.#clock = clock
    const own = config.address
    const others = config.coordinator.filter((one) => one.host !== own.host || one.port !== own.port)
    this.#candidates = (use) => {
      const remote = (list: readonly Address[]): ConnectionTarget[] =>
        list.map((one) => coordinatorTarget(config, one, use))
      return config.role === 'coordinator' ? [localTarget(config, use), ...remote(others)] : remote(config.coordinator)
    }
  }

  /** The coordinator may have moved: look again at the next connect. */
  forget(): void {
    this.#found = undefined
  }

  /** Where to connect for a use. @throws SidecarError NO_COORDINATOR or TWO_COORDINATORS. */
  async target(use: string, signal: AbortSignal): Promise<ConnectionTarget> {
    const candidates = this.#candidates(use)
    const [only] = candidates
    // A single name needs no election; whether it is a primary is asked with every reading of it.
    if (only !== undefined && candidates.length === 1) return only
    const known = this.#found
    if (known !== undefined && this.#clock.now() < known.until) return { ...known.target, use }
    const answers = await Promise.allSettled(candidates.map(async (one) => await this.#ask(one, signal)))
    const good = answers.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    const silent = answers.flatMap((one) => (one.status === 'rejected' ? [reasonOf(one.reason)] : []))
    const { target } = choose(good, silent)
    this.#found = { target, until: this.#clock.now() + cacheFor }
    return target
  }

  async #ask(target: ConnectionTarget, signal: AbortSignal): Promise<Candidate> {
    await using session = new Session(this.#config, { target: async () => await Promise.resolve(target) })
    const [row] = await session.query<Omit<Candidate, 'target'>>(sql, [], {
      timeout: this.#config.connectTimeout + this.#config.statementTimeout,
      signal,
    })
    if (row === undefined)
      throw new SidecarError('NO_COORDINATOR', `${target.address.host}:${target.address.port} answered without a row`)
    return { target, ...row }
  }
}

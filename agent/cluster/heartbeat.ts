// What a node tells the ledger about itself every heartbeat.
import type { Maintenance } from '../../probes/verdicts/verdict.ts'
import type { Config } from '../config.ts'
import { reasonOf } from '../errors.ts'
import type { Report } from '../events.ts'
import type { Clock } from '../loop/clock.ts'
import type { Session } from '../pg/session.ts'
import type { Self } from './facts.ts'
import { announce } from './ledger.ts'
import type { Announcement, Member } from './ledger.ts'

/** The state of a node as its own sidecar judges it. */
export interface NodeReport {
  readonly ready: boolean
  /** First reason why it is not ready; empty when it is. */
  readonly reason: string
  readonly maintenance: Maintenance
  readonly lagBytes: number | undefined
  readonly citusVersion: string | undefined
  readonly sidecarVersion: string
  readonly nodeId: number | undefined
  /** Where this sidecar serves pages. */
  readonly httpPort: number
  /** How often it is told, milliseconds. */
  readonly heartbeatInterval: number
}

/** How this node's server stands: its identity is trusted or refused, or it says nothing now. */
export type Standing = 'trusted' | 'refused' | 'silent'

/** The announcement; without identity unless that is trusted, so that the ledger keeps the one it knows. */
export function announcementOf(self: Self, standing: Standing, report: NodeReport, first: boolean): Announcement {
  const { identity, local } = self
  const base: Announcement = {
    name: self.name,
    role: self.role,
    host: self.address.host,
    port: self.address.port,
    group_wanted: self.group.id ?? null,
    state: stateOf(standing, report),
    ready: report.ready,
    reason: report.reason.slice(0, 500),
    sidecar_version: report.sidecarVersion,
    maintenance: report.maintenance.changedAt === 0 ? null : report.maintenance,
    lag_bytes: report.lagBytes === undefined ? null : Math.round(report.lagBytes),
    heartbeat_seconds: report.heartbeatInterval / 1_000,
    http_port: report.httpPort,
    first,
  }
  if (standing !== 'trusted') return base
  return {
    ...base,
    identity: {
      system_identifier: identity.systemIdentifier,
      server_id: local.serverId ?? null,
      timeline: identity.timeline,
      lsn: identity.lsn,
      in_recovery: identity.inRecovery,
      postgres_version: identity.serverVersion,
      citus_version: report.citusVersion ?? null,
      group_id: local.groupId,
      node_id: report.nodeId ?? null,
    },
  }
}

function stateOf(standing: Standing, report: NodeReport): string {
  if (report.maintenance.on) return 'maintenance'
  if (standing === 'refused') return 'refused'
  return report.ready ? 'ready' : 'unready'
}

export interface HeartbeatOptions {
  readonly config: Config
  readonly clock: Clock
  /** On-demand session on the coordinator. */
  readonly ledger: Session
  readonly report: Report
  /** What it tells about this node besides its identity. */
  readonly nodeReport: () => NodeReport
}

/** Writes this node into the ledger, every interval and when something changed. */
export class Heartbeat {
  readonly #options: HeartbeatOptions
  #writtenAt = 0
  #first = true
  /** How this node was last announced. */
  #last: { self: Self; standing: Standing } | undefined

  constructor(options: HeartbeatOptions) {
    this.#options = options
  }

  /** What it tells has changed: the next beat does not wait for its interval. */
  due(): void {
    this.#writtenAt = 0
  }

  /** Another sidecar announces this node from now on. */
  cease(): void {
    this.#last = undefined
  }

  /** Announces, if that is due, how the node is now with what is known of it: a server that cannot be asked would else stay ready in the ledger until it counts as lost. */
  async goOn(signal: AbortSignal): Promise<void> {
    if (this.#last === undefined) return
    const { self, standing } = this.#last
    await this.beat(self, standing === 'trusted' ? 'silent' : standing, false, signal)
  }

  /** Announces this node if that is due or `now`; returns the members if it did. @throws, where `now`, what the ledger said: a call that follows needs the announcement. */
  async beat(
    self: Self,
    standing: Standing,
    now: boolean,
    signal: AbortSignal,
  ): Promise<readonly Member[] | undefined> {
    const { config, clock, ledger, nodeReport, report } = this.#options
    this.#last = { self, standing }
    if (!now && clock.now() < this.#writtenAt + config.heartbeatInterval) return undefined
    try {
      this.#writtenAt = clock.now()
      const members = await announce(
        ledger.sql({ timeout: config.statementTimeout, signal }),
        announcementOf(self, standing, nodeReport(), this.#first),
      )
      this.#first = false
      return members
    } catch (error) {
      this.#writtenAt = 0
      if (now) throw error
      report('heartbeat.failed', { reason: reasonOf(error) })
      return undefined
    }
  }
}

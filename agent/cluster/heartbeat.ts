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
}

/** The announcement; without identity where it is refused, so that the ledger keeps the one it knows. */
export function announcementOf(self: Self, trusted: boolean, report: NodeReport): Announcement {
  const { identity, local } = self
  const base: Announcement = {
    name: self.name,
    role: self.role,
    host: self.address.host,
    port: self.address.port,
    group_wanted: self.group.id ?? null,
    state: stateOf(trusted, report),
    ready: report.ready,
    reason: report.reason.slice(0, 500),
    sidecar_version: report.sidecarVersion,
    maintenance: report.maintenance.changedAt === 0 ? null : report.maintenance,
    lag_bytes: report.lagBytes === undefined ? null : Math.round(report.lagBytes),
  }
  if (!trusted) return base
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

function stateOf(trusted: boolean, report: NodeReport): string {
  if (report.maintenance.on) return 'maintenance'
  if (!trusted) return 'refused'
  return report.ready ? 'ready' : 'unready'
}

export interface HeartbeatOptions {
  readonly config: Config
  readonly clock: Clock
  readonly ledger: Session
  readonly report: Report
  readonly nodeReport: () => NodeReport
}

/** Writes this node into the ledger, every interval and when something changed. */
export class Heartbeat {
  readonly #options: HeartbeatOptions
  #writtenAt = 0

  constructor(options: HeartbeatOptions) {
    this.#options = options
  }

  /** What it tells has changed: the next beat does not wait for its interval. */
  due(): void {
    this.#writtenAt = 0
  }

  /** Announces this node if that is due or `now`; returns the members if it did. @throws, where `now`, what the ledger said: a call that follows needs the announcement. */
  async beat(self: Self, trusted: boolean, now: boolean, signal: AbortSignal): Promise<readonly Member[] | undefined> {
    const { config, clock, ledger, nodeReport, report } = this.#options
    if (!now && clock.now() < this.#writtenAt + config.heartbeatInterval) return undefined
    try {
      this.#writtenAt = clock.now()
      return await announce(
        ledger.sql({ timeout: config.statementTimeout, signal }),
        announcementOf(self, trusted, nodeReport()),
      )
    } catch (error) {
      this.#writtenAt = 0
      if (now) throw error
      report('heartbeat.failed', { reason: reasonOf(error) })
      return undefined
    }
  }
}

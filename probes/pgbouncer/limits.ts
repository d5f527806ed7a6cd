// The settings of a PgBouncer that decide whether and for how long clients may wait in it, and how soon they go on.
import type { Probe, ProbeLimits } from '../probe.ts'

/** Times in milliseconds; undefined where this PgBouncer has no such setting. */
export interface PoolerLimits {
  /** After this a waiting client is sent away; 0: never. */
  readonly queryWaitTimeout: number | undefined
  /** How long an address is believed after it was looked up. */
  readonly dnsMaxTtl: number | undefined
  /** How long it is believed that a name has no address. */
  readonly dnsNxdomainTtl: number | undefined
  /** Pause after a failed login to a server. */
  readonly serverLoginRetry: number | undefined
  /** Of databases that have no mode of their own. */
  readonly poolMode: string | undefined
}

export const configCommand = 'SHOW CONFIG'

export interface ConfigRow {
  readonly key: string
  readonly value: string
}

/** Rows of SHOW CONFIG, which has seconds, as limits. */
export function toLimits(rows: readonly ConfigRow[]): PoolerLimits {
  const ms = (key: string): number | undefined => {
    const seconds = Number.parseFloat(rows.find((row) => row.key === key)?.value ?? '')
    return Number.isNaN(seconds) ? undefined : seconds * 1_000
  }
  return {
    queryWaitTimeout: ms('query_wait_timeout'),
    dnsMaxTtl: ms('dns_max_ttl'),
    dnsNxdomainTtl: ms('dns_nxdomain_ttl'),
    serverLoginRetry: ms('server_login_retry'),
    poolMode: rows.find(({ key }) => key === 'pool_mode')?.value,
  }
}

/** What SHOW CONFIG says of waiting. */
export function poolerLimits(limits: ProbeLimits): Probe<'pgbouncer.limits'> {
  return {
    name: 'pgbouncer.limits',
    help: 'Settings query_wait_timeout, dns_max_ttl, server_login_retry and pool_mode of PgBouncer.',
    session: 'pgbouncer',
    interval: 10_000,
    timeout: limits.statementTimeout,
    skip: () => undefined,
    read: async (context) => toLimits(await context.sql.query<ConfigRow>(configCommand)),
  }
}

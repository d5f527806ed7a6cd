// On which nodes a collection is asked: what it needs of the server, as data, so that docs and code cannot differ.
import type { NodeFacts } from './probe.ts'

/** What a node must be; all of it where several are given. */
export interface Where {
  /** There is a PgBouncer whose console is asked: it stands beside one, or knows the address of one. */
  readonly pgbouncer?: true
  /** It has Citus, of this version at least where one is given. */
  readonly citus?: true | `${number}.${number}`
  /** It is the coordinator, whatever it was configured as. */
  readonly coordinator?: true
  /** Or with false: it is a standby. */
  readonly primary?: boolean
  /** The first major version of PostgreSQL that has it. */
  readonly since?: number
  /** The first one that has it no more. */
  readonly before?: number
  /** This extension is in the database. */
  readonly extension?: string
  /** A setting without which there is nothing to look at, and whether it is set. */
  readonly needs?: { readonly what: string; readonly there: boolean }
}

const noPgBouncer = 'without CITUS_SIDECAR_PGBOUNCER_ADDRESS beside PostgreSQL'

/** Whether a version such as 13.2.2 is at least one such as 13.1. */
function reaches(version: string, least: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [leastMajor = 0, leastMinor = 0] = least.split('.').map(Number)
  return major > leastMajor || (major === leastMajor && minor >= leastMinor)
}

/** Why it is not asked on such a node: undefined where it is. What nobody knows yet is waited for. */
export function notAskedOn(where: Where, facts: NodeFacts): string | undefined {
  const { role, inRecovery, version, coordinator, citus, extensions } = facts
  if (where.pgbouncer === true && role !== 'pooler' && facts.pgbouncer !== true) return noPgBouncer
  if (where.citus !== undefined && role === 'standalone') return 'role standalone'
  if (where.citus !== undefined && where.citus !== true && (citus === undefined || !reaches(citus, where.citus)))
    return `before Citus ${where.citus}`
  if (where.coordinator === true && coordinator !== true) return 'but for the coordinator'
  if (where.primary === true && inRecovery !== false) return 'on a standby'
  if (where.primary === false && inRecovery !== true) return 'on a primary'
  if (where.since !== undefined && (version === undefined || version < where.since * 10_000))
    return `before PostgreSQL ${where.since}`
  if (where.before !== undefined && (version === undefined || version >= where.before * 10_000))
    return `since PostgreSQL ${where.before}`
  if (where.extension !== undefined && extensions?.includes(where.extension) !== true)
    return `without the extension ${where.extension}`
  if (where.needs?.there === false) return `without ${where.needs.what}`
  return undefined
}

/** Every reason there is for not asking it; empty where it is asked on all nodes. */
export function notAskedReasons(where: Where): readonly string[] {
  return [
    where.pgbouncer === undefined ? undefined : noPgBouncer,
    where.citus === undefined ? undefined : 'role standalone',
    where.citus === undefined || where.citus === true ? undefined : `before Citus ${where.citus}`,
    where.coordinator === undefined ? undefined : 'but for the coordinator',
    where.primary === undefined ? undefined : where.primary ? 'on a standby' : 'on a primary',
    where.since === undefined ? undefined : `before PostgreSQL ${where.since}`,
    where.before === undefined ? undefined : `since PostgreSQL ${where.before}`,
    where.extension === undefined ? undefined : `without the extension ${where.extension}`,
    where.needs === undefined ? undefined : `without ${where.needs.what}`,
  ].filter((reason) => reason !== undefined)
}

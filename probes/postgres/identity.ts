// Who this PostgreSQL is: the identity of its volume and how far its WAL has come.
import type { Probe, ProbeLimits } from '../probe.ts'

export interface Identity {
  /** Start of the postmaster that said so, milliseconds since 1970. */
  readonly startedAt: number
  /** Start of its checkpointer, which ends when the postmaster does or when a process has crashed and all begin anew; null where that may not be seen. */
  readonly checkpointerSince: number | null
  /** As text: a 64-bit number. */
  readonly systemIdentifier: string
  readonly timeline: number
  /** Flushed (primary) or replayed (standby) WAL position. */
  readonly lsn: string
  readonly inRecovery: boolean
  readonly serverVersion: string
  readonly serverVersionNum: number
  /** Names of the extensions in the database. */
  readonly extensions: readonly string[]
}

// On a primary the WAL file being written names the timeline; pg_control knows it only after the next checkpoint.
// The flush position and not the insert position: only what was flushed is sure to be there after a crash.
const sql = `
  select control.system_identifier::text as "systemIdentifier",
         (extract(epoch from pg_catalog.pg_postmaster_start_time()) * 1000)::float8 as "startedAt",
         (select (extract(epoch from a.backend_start) * 1000)::float8
            from pg_catalog.pg_stat_activity a where a.backend_type = 'checkpointer') as "checkpointerSince",
         pg_catalog.pg_is_in_recovery() as "inRecovery",
         case when pg_catalog.pg_is_in_recovery()
              then greatest(checkpoint.timeline_id, recovery.min_recovery_end_timeline)
              else ('x' || substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_flush_lsn()), 1, 8))::bit(32)::int
         end as timeline,
         case when pg_catalog.pg_is_in_recovery()
              then coalesce(pg_catalog.pg_last_wal_replay_lsn(), '0/0')
              else pg_catalog.pg_current_wal_flush_lsn()
         end::text as lsn,
         pg_catalog.current_setting('server_version') as "serverVersion",
         pg_catalog.current_setting('server_version_num')::int as "serverVersionNum",
         array(select e.extname::text from pg_catalog.pg_extension e) as extensions
    from pg_catalog.pg_control_system() control, pg_catalog.pg_control_checkpoint() checkpoint,
         pg_catalog.pg_control_recovery() recovery`

/** System identifier, timeline and WAL position. */
export function identity(limits: ProbeLimits): Probe<'postgres.identity'> {
  return {
    name: 'postgres.identity',
    help: 'System identifier, timeline, WAL position and version.',
    session: 'probe',
    interval: Math.min(limits.heartbeatInterval, 10_000),
    timeout: limits.statementTimeout,
    skip: () => undefined,
    read: async (context) => {
      const [row] = await context.sql.query<Identity>(sql)
      if (row === undefined) throw new Error('the server answered without a row')
      return row
    },
  }
}

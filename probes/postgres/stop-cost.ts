// What a stop would cost now, as raw facts: WAL since the last checkpoint, how fast checkpoints and the archiver have been, who works.
import type { Probe, ProbeLimits } from '../probe.ts'

/** PostgreSQL's archiver; times in milliseconds. */
export interface Archiver {
  /** Segments that wait for it. */
  readonly waiting: number
  /** How long the one that is its turn has been waiting for, 0 where none is. */
  readonly busyMs: number
  /** The longest that one segment takes it, as far as that shows; undefined where none has been archived lately. */
  readonly segmentMs: number | undefined
  /** The last try failed; when that was, before this reading. */
  readonly failedMsAgo: number | undefined
}

export interface StopCost {
  /** Start of the postmaster that said so, milliseconds since 1970. */
  readonly startedAt: number
  /** WAL since the redo position of the last checkpoint (standby: restart point), bytes: what is dirty has been written there. */
  readonly walBytes: number
  /** Between this run and the one before; undefined at the first. */
  readonly walBytesPerSecond: number | undefined
  /** More than these cannot be dirty. */
  readonly sharedBuffersBytes: number
  /** Of all checkpoints since the server's statistics were reset: bytes written, and how long writing and syncing took. */
  readonly checkpointBytes: number
  readonly checkpointMs: number
  /** undefined where archive_mode is off. */
  readonly archiver: Archiver | undefined
  /** Client sessions but for the sidecar's. */
  readonly clients: number
  /** The oldest open transaction of these. */
  readonly longest: { readonly ms: number; readonly who: string } | undefined
  /** Two-phase commits of Citus that are prepared here, and how long the oldest has been. */
  readonly prepared: number
  readonly preparedMs: number
}

export interface StopCostRow {
  readonly now: number
  readonly startedAt: number
  readonly lsn: number
  readonly walBytes: number
  readonly sharedBuffersBytes: number
  readonly checkpointBytes: number
  readonly checkpointMs: number
  readonly archives: boolean
  readonly archived: number
  readonly waiting: number
  readonly archivedAt: number | null
  readonly failedAt: number | null
  /** When the segment that was archived last, and the oldest that waits, were closed. */
  readonly closedAt: number | null
  readonly oldestAt: number | null
  readonly clients: number
  readonly longestMs: number | null
  readonly longestWho: string | null
  readonly prepared: number
  readonly preparedMs: number | null
}

// The statistics of checkpoints moved with 17 (https://www.postgresql.org/docs/17/release-17.html).
const checkpointsBefore17 = `
  select buffers_checkpoint as buffers, checkpoint_write_time + checkpoint_sync_time as ms from pg_catalog.pg_stat_bgwriter`
const checkpointsSince17 = `
  select buffers_written as buffers, write_time + sync_time as ms from pg_catalog.pg_stat_checkpointer`

function ms(time: string): string {
  return `(extract(epoch from ${time}) * 1000)::float8`
}

// As what a drain ends: every client but sidecars.
const client = `a.backend_type = 'client backend' and a.pid <> pg_catalog.pg_backend_pid()
                  and not (a.usename = current_user and a.application_name like 'citus-sidecar/%')`

// A segment's file in archive_status keeps the time at which the segment was closed when it is renamed from .ready to .done.
function sqlFor(checkpoints: string): string {
  return `
  select ${ms('pg_catalog.clock_timestamp()')} as now, ${ms('pg_catalog.pg_postmaster_start_time()')} as "startedAt",
         pg_catalog.pg_wal_lsn_diff(at.lsn, '0/0')::float8 as lsn,
         greatest(pg_catalog.pg_wal_lsn_diff(at.lsn, control.redo_lsn), 0)::float8 as "walBytes",
         pg_catalog.pg_size_bytes(pg_catalog.current_setting('shared_buffers'))::float8 as "sharedBuffersBytes",
         (checkpoints.buffers * pg_catalog.current_setting('block_size')::integer)::float8 as "checkpointBytes",
         checkpoints.ms::float8 as "checkpointMs",
         mode.on as archives, archiver.archived_count::float8 as archived, coalesce(status.waiting, 0)::integer as waiting,
         ${ms('archiver.last_archived_time')} as "archivedAt", ${ms('archiver.last_failed_time')} as "failedAt",
         ${ms('status.closed')} as "closedAt", ${ms('status.oldest')} as "oldestAt",
         clients.count as clients, ${ms('pg_catalog.clock_timestamp() - oldest.xact_start')} as "longestMs", oldest.who as "longestWho",
         prepared.count as prepared, ${ms('pg_catalog.clock_timestamp() - prepared.since')} as "preparedMs"
    from (select case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn() else pg_catalog.pg_current_wal_lsn() end as lsn) at
   cross join pg_catalog.pg_control_checkpoint() control
   cross join (${checkpoints}) checkpoints
   cross join (select pg_catalog.current_setting('archive_mode') <> 'off' as on) mode
   cross join pg_catalog.pg_stat_archiver archiver
    left join lateral (select count(*) filter (where f.name like '%.ready') as waiting, min(f.modification) filter (where f.name like '%.ready') as oldest,
                              max(f.modification) filter (where f.name = archiver.last_archived_wal || '.done') as closed
                         from pg_catalog.pg_ls_archive_statusdir() f) status on mode.on
   cross join (select count(*)::integer as count from pg_catalog.pg_stat_activity a where ${client}) clients
    left join (select a.xact_start, coalesce(nullif(a.application_name, ''), 'unnamed') || ' of ' || coalesce(a.usename, '?') || ' (pid ' || a.pid || ')' as who
                 from pg_catalog.pg_stat_activity a where ${client} and a.xact_start is not null order by a.xact_start limit 1) oldest on true
   cross join (select count(*)::integer as count, min(p.prepared) as since from pg_catalog.pg_prepared_xacts p
                where p.gid like 'citus\\_%' and p.database = pg_catalog.current_database()) prepared`
}

/** Two upper bounds on one segment: since it was closed, which includes its wait; and the pace of those that were begun and ended since the run before, which includes rest. */
function segmentMsOf(row: StopCostRow, before: StopCostRow | undefined): number | undefined {
  const sinceClosed =
    row.archivedAt === null || row.closedAt === null ? undefined : Math.max(row.archivedAt - row.closedAt, 0)
  const whole = before === undefined ? 0 : row.archived - before.archived - 1
  const pace = before === undefined || whole <= 0 ? undefined : (row.now - before.now) / whole
  const bounds = [sinceClosed, pace].filter((bound) => bound !== undefined)
  return bounds.length === 0 ? undefined : Math.min(...bounds)
}

function archiverOf(row: StopCostRow, before: StopCostRow | undefined): Archiver | undefined {
  if (!row.archives) return undefined
  const { now, waiting, archivedAt, failedAt, oldestAt } = row
  const turnAt = Math.max(archivedAt ?? 0, oldestAt ?? now)
  const fails = failedAt !== null && failedAt > (archivedAt ?? 0)
  return {
    waiting,
    busyMs: waiting === 0 ? 0 : Math.max(now - turnAt, 0),
    segmentMs: segmentMsOf(row, before),
    failedMsAgo: fails ? Math.max(now - failedAt, 0) : undefined,
  }
}

/** Row of the query -> reading; `before`: the row of the run before, of the same run of the server. */
export function toStopCost(row: StopCostRow, before: StopCostRow | undefined): StopCost {
  const { startedAt, walBytes, sharedBuffersBytes, checkpointBytes, checkpointMs, clients, prepared } = row
  const seconds = before === undefined ? 0 : (row.now - before.now) / 1_000
  return {
    startedAt,
    walBytes,
    walBytesPerSecond: before === undefined || seconds <= 0 ? undefined : Math.max(row.lsn - before.lsn, 0) / seconds,
    sharedBuffersBytes,
    checkpointBytes,
    checkpointMs,
    archiver: archiverOf(row, before),
    clients,
    longest: row.longestMs === null ? undefined : { ms: Math.max(row.longestMs, 0), who: row.longestWho ?? '?' },
    prepared,
    preparedMs: Math.max(row.preparedMs ?? 0, 0),
  }
}

/** What would have to be written, archived and waited for. */
export function stopCost(limits: ProbeLimits): Probe<'postgres.stop-cost'> {
  let before: StopCostRow | undefined
  return {
    name: 'postgres.stop-cost',
    help: 'What a stop would cost now: WAL since the last checkpoint, WAL to archive, clients, prepared transactions.',
    session: 'probe',
    interval: 60_000,
    timeout: limits.statementTimeout,
    skip: () => undefined,
    read: async (context) => {
      const [version] = await context.sql.query<{ since17: boolean }>(
        `select pg_catalog.current_setting('server_version_num')::integer >= 170000 as since17`,
      )
      const text = sqlFor(version?.since17 === true ? checkpointsSince17 : checkpointsBefore17)
      const [row] = await context.sql.query<StopCostRow>(text)
      if (row === undefined) throw new Error('the server answered without a row')
      const same = before?.startedAt === row.startedAt ? before : undefined
      before = row
      return toStopCost(row, same)
    },
  }
}

// A standby's replication, honestly: a receiver that is cut off has an unknown lag, not none.
import type { Probe, ProbeLimits } from '../probe.ts'

export interface Replication {
  /** State of the WAL receiver; undefined when there is none. */
  readonly status: string | undefined
  /** WAL known to exist and not yet replayed, bytes; undefined when nobody says how much there is. */
  readonly lagBytes: number | undefined
  /** Since the primary was last heard of, milliseconds; undefined without a receiver. */
  readonly silentMs: number | undefined
  /** Longer silence means that the primary is away, milliseconds; undefined where silence means nothing. */
  readonly silenceAllowedMs: number | undefined
  readonly replayPaused: boolean
}

interface Row {
  readonly status: string | null
  readonly lagBytes: number | null
  readonly silentMs: number | null
  /** wal_receiver_timeout and wal_receiver_status_interval. */
  readonly timeoutMs: number
  readonly statusMs: number
  readonly replayPaused: boolean
}

// latest_end_lsn is what the sender last said it has; received positions stand still when the connection is cut.
const sql = `
  select receiver.status,
         pg_catalog.pg_wal_lsn_diff(receiver.latest_end_lsn, pg_catalog.pg_last_wal_replay_lsn())::float8 as "lagBytes",
         (extract(epoch from pg_catalog.clock_timestamp() - receiver.last_msg_receipt_time) * 1000)::float8 as "silentMs",
         extract(epoch from pg_catalog.current_setting('wal_receiver_timeout')::interval)::float8 * 1000 as "timeoutMs",
         extract(epoch from pg_catalog.current_setting('wal_receiver_status_interval')::interval)::float8 * 1000 as "statusMs",
         pg_catalog.pg_is_wal_replay_paused() as "replayPaused"
    from (select) as always left join pg_catalog.pg_stat_wal_receiver receiver on true`

/** Shortest silence that is taken for more than a pause, milliseconds. */
const shortestSilence = 30_000
/** Time for the answer to a receiver's question, milliseconds. */
const answerTime = 5_000

/** An idle primary says nothing until the receiver asks, which it does after half of wal_receiver_timeout (https://www.postgresql.org/docs/current/runtime-config-replication.html); with 0 it never asks. */
function silenceAllowed(timeoutMs: number, statusMs: number): number | undefined {
  return timeoutMs === 0 ? undefined : Math.max(shortestSilence, 3 * statusMs, timeoutMs / 2 + answerTime)
}

/** Row of the query -> reading. */
export function toReplication(row: Row): Replication {
  const streaming = row.status === 'streaming'
  return {
    status: row.status ?? undefined,
    lagBytes: streaming && row.lagBytes !== null ? Math.max(row.lagBytes, 0) : undefined,
    silentMs: row.silentMs ?? undefined,
    silenceAllowedMs: silenceAllowed(row.timeoutMs, row.statusMs),
    replayPaused: row.replayPaused,
  }
}

/** Streaming state and lag of a standby. */
export function replication(limits: ProbeLimits): Probe<'postgres.replication'> {
  return {
    name: 'postgres.replication',
    help: 'State of the WAL receiver and WAL not yet replayed, on a standby.',
    session: 'probe',
    interval: 2_000,
    timeout: limits.statementTimeout,
    skip: (facts) => (facts.inRecovery === false ? 'this node is a primary' : undefined),
    read: async (context) => {
      const [recovery] = await context.sql.query<{ yes: boolean }>('select pg_catalog.pg_is_in_recovery() as yes')
      if (recovery?.yes === false)
        return {
          status: undefined,
          lagBytes: undefined,
          silentMs: undefined,
          silenceAllowedMs: undefined,
          replayPaused: false,
        }
      const [row] = await context.sql.query<Row>(sql)
      if (row === undefined) throw new Error('the server answered without a row')
      return toReplication(row)
    },
  }
}

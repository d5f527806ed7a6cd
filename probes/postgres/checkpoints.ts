// Checkpoints and the background writer, under the names that postgres_exporter has for them before and since PostgreSQL 17: both on every
// version, so that no dashboard or alert is empty because a server was upgraded.
import { counter } from '../collection.ts'
import type { Collection, FamilySpec } from '../collection.ts'

/** https://www.postgresql.org/docs/17/release-17.html: statistics of checkpoints moved to a view of their own */
const movedIn = 170_000

/** Column of the query: its name before and since, or undefined where that one had none, and its meaning. */
const columns: readonly (readonly [
  column: string,
  before: string | undefined,
  since: string | undefined,
  help: string,
])[] = [
  ['restarts_timed', undefined, 'restartpoints_timed', 'Restart points of a standby by the clock; since 17.'],
  ['restarts_requested', undefined, 'restartpoints_req', 'Restart points that were asked for; since 17.'],
  ['restarts_done', undefined, 'restartpoints_done', 'Restart points that were made; since 17.'],
  ['timed', 'checkpoints_timed', 'num_timed', 'Checkpoints by the clock.'],
  ['requested', 'checkpoints_req', 'num_requested', 'Checkpoints that were asked for, by WAL or a person.'],
  ['write_ms', 'checkpoint_write_time', 'write_time', 'Time that checkpoints took to write, in milliseconds.'],
  ['sync_ms', 'checkpoint_sync_time', 'sync_time', 'Time that checkpoints took to sync, in milliseconds.'],
  ['written', 'buffers_checkpoint', 'buffers_written', 'Buffers that checkpoints wrote.'],
  ['clean', 'buffers_clean', undefined, 'Buffers that the background writer wrote.'],
  ['maxwritten', 'maxwritten_clean', undefined, 'Rounds that the background writer broke off, having written enough.'],
  ['backend', 'buffers_backend', undefined, 'Buffers that sessions wrote themselves; not told since 17.'],
  ['fsync', 'buffers_backend_fsync', undefined, 'Times a session had to sync by itself; not told since 17.'],
  ['alloc', 'buffers_alloc', undefined, 'Buffers allocated.'],
  [
    'reset',
    'stats_reset',
    undefined,
    'When the numbers of the background writer were last set to 0, in seconds since 1970.',
  ],
  ['reset_since', undefined, 'stats_reset', 'When those of checkpoints were last set to 0, in seconds since 1970.'],
]

const families = columns.flatMap(([value, before, since, help]): readonly FamilySpec[] => {
  const names = [before && `pg_stat_bgwriter_${before}_total`, since && `pg_stat_checkpointer_${since}_total`]
  return names.flatMap((name) => (name === undefined ? [] : [counter(name, help, value)]))
})

const sqlBefore = `
  select b.checkpoints_timed::float8 as timed, b.checkpoints_req::float8 as requested, b.checkpoint_write_time as write_ms,
         b.checkpoint_sync_time as sync_ms, b.buffers_checkpoint::float8 as written, b.buffers_clean::float8 as clean,
         b.maxwritten_clean::float8 as maxwritten, b.buffers_backend::float8 as backend, b.buffers_backend_fsync::float8 as fsync,
         b.buffers_alloc::float8 as alloc, extract(epoch from b.stats_reset)::float8 as reset, extract(epoch from b.stats_reset)::float8 as reset_since
    from pg_catalog.pg_stat_bgwriter b`

const sqlSince = `
  select c.num_timed::float8 as timed, c.num_requested::float8 as requested, c.write_time as write_ms, c.sync_time as sync_ms,
         c.buffers_written::float8 as written, b.buffers_clean::float8 as clean, b.maxwritten_clean::float8 as maxwritten,
         b.buffers_alloc::float8 as alloc, extract(epoch from b.stats_reset)::float8 as reset, extract(epoch from c.stats_reset)::float8 as reset_since,
         c.restartpoints_timed::float8 as restarts_timed, c.restartpoints_req::float8 as restarts_requested, c.restartpoints_done::float8 as restarts_done
    from pg_catalog.pg_stat_checkpointer c, pg_catalog.pg_stat_bgwriter b`

/** Counters of checkpoints and of the background writer. */
export const checkpoints = {
  name: 'postgres.checkpoints',
  collector: 'stat_bgwriter',
  help: 'Checkpoints and what they and the background writer wrote.',
  interval: 15_000,
  sql: ({ version = 0 }) => (version < movedIn ? sqlBefore : sqlSince),
  families,
} as const satisfies Collection

// Phase flush: a second, short checkpoint, and synchronous standbys have everything on disk.
import { checkpoint, LeftUndone, orLeave, until } from './step.ts'
import type { Step } from './step.ts'

const pause = 50

const behindSql = `
  select string_agg(coalesce(nullif(r.application_name, ''), 'unnamed'), ', ') as behind
    from pg_catalog.pg_stat_replication r
   where r.sync_state in ('sync', 'quorum') and (r.flush_lsn is null or r.flush_lsn < $1::pg_lsn)`

// Names a synchronous standby is required but none is connected: nothing commits then.
const missingSql = `
  select pg_catalog.current_setting('synchronous_standby_names') <> ''
     and not exists (select from pg_catalog.pg_stat_replication r where r.sync_state in ('sync', 'quorum')) as missing`

export const flush: Step = async (context, signal) => {
  const { local, clock, kind } = context
  await checkpoint(context, signal)
  if (kind === 'standby') return 'restart point taken'
  const [missing] = await local.query<{ missing: boolean }>(missingSql)
  if (missing?.missing === true)
    throw new LeftUndone('synchronous_standby_names is set, and no synchronous standby is connected')
  const [at] = await local.query<{ lsn: string }>('select pg_catalog.pg_current_wal_flush_lsn()::text as lsn')
  let behind = ''
  const flushed = async (): Promise<true | undefined> => {
    behind = (await local.query<{ behind: string | null }>(behindSql, [at?.lsn]))[0]?.behind ?? ''
    return behind === '' ? true : undefined
  }
  await orLeave(
    () => `synchronous standbys have not flushed ${at?.lsn ?? '?'}: ${behind}`,
    signal,
    async () => await until(flushed, pause, clock, signal),
  )
  return `flushed at ${at?.lsn ?? '?'}`
}

// Phase settle: no two-phase commit of Citus is left prepared here, and those that this node began are finished where they are.
import { orLeave, until } from './step.ts'
import type { Step } from './step.ts'

const pause = 100

// A prepared transaction keeps its locks until its initiator finishes it; it survives a restart.
const preparedSql = `
  select count(*)::integer as count, string_agg(p.gid, ', ' order by p.prepared) as gids
    from pg_catalog.pg_prepared_xacts p
   where p.gid like 'citus\\_%' and p.database = pg_catalog.current_database()`

export const settle: Step = async ({ local, clock }, signal) => {
  let gids = ''
  return await orLeave(
    () =>
      `two-phase commits stay prepared until their initiator finishes them${gids === '' ? '' : `: ${gids.slice(0, 300)}`}`,
    signal,
    async () => {
      // Only an initiator has commit records; without any there is nothing to finish elsewhere.
      const [begun] = await local.query<{ any: boolean }>(
        'select exists (select from pg_catalog.pg_dist_transaction) as any',
      )
      if (begun?.any === true) await local.query('select citus_sidecar.recover_prepared()')
      return await until(
        async () => {
          const [row] = await local.query<{ count: number; gids: string | null }>(preparedSql)
          gids = row?.gids ?? ''
          return row?.count === 0 ? 'no two-phase commit is open' : undefined
        },
        pause,
        clock,
        signal,
      )
    },
  )
}

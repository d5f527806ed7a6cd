// What the cluster was when this node last stopped, wherever it is still on record: in this node's server, else in the ledger.
import * as z from 'zod'
import type { Sql } from '../../probes/sql.ts'
import { sqlstate } from '../errors.ts'
import { phaseSchema } from './record.ts'
import { keptState } from './stop-state.ts'
import type { StopState } from './stop-state.ts'
import type { EndedDrain } from './tally.ts'

interface Row {
  readonly state: unknown
}

/** Neither table nor schema: bootstrap of this version has not run there. */
const absent = new Set(['42P01', '3F000'])

async function rowsOf<R extends object>(sql: Sql, text: string, node: string): Promise<readonly R[]> {
  try {
    return await sql.query<R>(text, [node])
  } catch (error) {
    if (absent.has(sqlstate(error) ?? '')) return []
    throw error
  }
}

async function read(sql: Sql, text: string, node: string): Promise<StopState | undefined> {
  const [row] = await rowsOf<Row>(sql, text, node)
  return keptState(row?.state)
}

/** The server's own copy, compared with already or not; not one that came along with another node's volume. */
export async function readOwnStop(local: Sql, node: string): Promise<StopState | undefined> {
  return await read(local, `select l.state from citus_sidecar.last_stop l where l.state->>'node' = $1`, node)
}

/** The ledger's copy, unless it was compared with already. */
export async function readLedgerStop(ledger: Sql, node: string): Promise<StopState | undefined> {
  return await read(
    ledger,
    'select s.state from citus_sidecar.stop_states s where s.member = $1 and s.returned_at is null',
    node,
  )
}

/** The state to compare with: the node's own, or that of a stop of which the node has no copy; undefined where the last one was compared with. */
export function stateToCompare(own: StopState | undefined, ledger: StopState | undefined): StopState | undefined {
  if (own === undefined) return ledger
  if (own.returnedAt === undefined) return own
  return ledger?.operation === own.operation ? undefined : ledger
}

// As when it was kept, without waiting for a synchronous standby.
const returnedSql = `
  with alone as materialized (select pg_catalog.set_config('synchronous_commit', 'local', true))
  update citus_sidecar.last_stop set state = state || pg_catalog.jsonb_build_object('returnedAt', pg_catalog.clock_timestamp()) from alone
   where state is not null and not state ? 'returnedAt'`

/** No later start compares with these states again. Never throws: what cannot be written is compared once more. */
export async function forgetStop(local: Sql, ledger: Sql | undefined, node: string): Promise<void> {
  await Promise.all([
    local.query(returnedSql).catch(() => undefined),
    ledger?.query('select citus_sidecar.end_drains($1)', [node]).catch(() => undefined),
  ])
}

// expected_ms by way of JSON: a ledger that bootstrap has not upgraded yet has no such column.
const lastDrainSql = `
  select p.phase as name, coalesce(p.outcome, 'running') as state, p.reason, coalesce(p.took_ms, 0) as "tookMs",
         (extract(epoch from p.began) * 1000)::float8 as began, (to_jsonb(p)->>'expected_ms')::float8 as "expectedMs"
    from citus_sidecar.drain_phases p
   where p.operation = (select newest.operation from citus_sidecar.drain_phases newest
                         where newest.member = $1 and not exists (select from citus_sidecar.operations o where o.id = newest.operation and o.outcome = 'cancelled')
                         order by newest.began desc limit 1)
   order by p.began`

/** The last drain of a member on record that nobody cancelled; undefined where there is none. */
export async function readLastDrain(ledger: Sql, member: string): Promise<EndedDrain | undefined> {
  const rows = await rowsOf(ledger, lastDrainSql, member)
  const phases = z.array(phaseSchema.extend({ expectedMs: z.number().nullable() })).safeParse(rows).data
  const startedAt = phases?.[0]?.began
  if (phases === undefined || startedAt === undefined) return undefined
  const expected = Object.fromEntries(
    phases.flatMap(({ name, expectedMs }) => (expectedMs === null ? [] : [[name, expectedMs]])),
  )
  return { startedAt, phases, expected, cancelled: false }
}

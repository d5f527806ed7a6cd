// Holds as the ledger on the coordinator has them: asked for, answered by holders, released.
import type { Sql } from '../../probes/sql.ts'

/** `pool`: every pooler pauses; `node`: the coordinator's sidecar stops writes to one node on all metadata nodes. */
export type HoldKind = 'pool' | 'node'

/** While clients wait already, the last holder is waited for only so long, milliseconds. */
export const lastHolder = 3_000

/** What one holder says of a hold. */
export interface HoldAnswer {
  readonly holder: string
  readonly kind: HoldKind
  readonly state: 'held' | 'failed' | 'released'
  readonly reason: string
}

/** One hold: a lease with an end that nothing extends. */
export interface Hold {
  readonly id: string
  /** The member for whose restart traffic is held. */
  readonly member: string
  readonly kinds: readonly HoldKind[]
  readonly open: boolean
  /** Milliseconds until the lease ends by the coordinator's clock, so that clocks need not agree; negative once it has. */
  readonly leftMs: number
  readonly answers: readonly HoldAnswer[]
  /** The trace in which it was asked for, if any. */
  readonly traceparent?: string | null
}

// traceparent by way of JSON: a ledger that bootstrap has not upgraded yet has no such column.
const columns = `
  h.id, h.member, h.kinds, h.released_at is null and h.expires_at > pg_catalog.clock_timestamp() as open,
  (extract(epoch from h.expires_at - pg_catalog.clock_timestamp()) * 1000)::float8 as "leftMs",
  coalesce((select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('holder', a.holder, 'kind', a.kind, 'state', a.state, 'reason', a.reason))
              from citus_sidecar.hold_answers a where a.hold_id = h.id), '[]') as answers,
  to_jsonb(h)->>'traceparent' as traceparent`

/** The one hold that is open now, if any. */
export async function openHold(sql: Sql): Promise<Hold | undefined> {
  const [row] = await sql.query<Hold>(
    `select ${columns} from citus_sidecar.holds h where h.released_at is null and h.expires_at > pg_catalog.clock_timestamp()`,
  )
  return row
}

/** A hold that somebody still waits for. */
export interface HeldFor {
  readonly id: string
  readonly heldMs: number
  /** As which server the ledger knows the member. */
  readonly systemIdentifier: string | null
  readonly traceparent: string | null
}

/** The hold that is open for a drain of one member; `drain` is known without the ledger. */
export async function holdOf(sql: Sql, member: string, drain: string | undefined): Promise<HeldFor | undefined> {
  const [row] = await sql.query<HeldFor>(
    `select h.id, to_jsonb(h)->>'traceparent' as traceparent, (extract(epoch from pg_catalog.clock_timestamp() - h.requested_at) * 1000)::float8 as "heldMs", m.system_identifier as "systemIdentifier"
       from citus_sidecar.holds h left join citus_sidecar.members m on m.name = h.member
      where h.member = $1 and h.released_at is null and h.expires_at > pg_catalog.clock_timestamp()
        and (h.id::text = $2 or exists (select from citus_sidecar.operations o where o.id = h.id and o.kind = 'drain'))`,
    [member, drain ?? null],
  )
  return row
}

/** One hold by its id, open or not. */
export async function readHold(sql: Sql, id: string): Promise<Hold | undefined> {
  const [row] = await sql.query<Hold>(`select ${columns} from citus_sidecar.holds h where h.id = $1`, [id])
  return row
}

/** Opens a hold; asking again under the same id neither opens a second one nor extends it. @throws SQLSTATE 55006 while another member holds. */
export async function requestHold(
  sql: Sql,
  request: {
    readonly id: string
    readonly member: string
    readonly kinds: readonly HoldKind[]
    readonly seconds: number
    readonly traceparent?: string
  },
): Promise<Hold> {
  const [row] = await sql.query<Hold>(`select ${columns} from citus_sidecar.request_hold($1::jsonb) h`, [
    JSON.stringify(request),
  ])
  if (row === undefined) throw new Error(`hold ${request.id} was not opened`)
  return row
}

/** Closes a hold; a closed or unknown one stays as it is. */
export async function releaseHold(sql: Sql, id: string, reason: string): Promise<void> {
  await sql.query('select citus_sidecar.release_hold($1, $2)', [id, reason])
}

/** Says how it stands with one holder's part of a hold. */
export async function answerHold(sql: Sql, id: string, answer: HoldAnswer): Promise<void> {
  await sql.query('select citus_sidecar.answer_hold($1::jsonb)', [JSON.stringify({ hold_id: id, ...answer })])
}

/** Poolers that still announce themselves, by the coordinator's clock; `forgottenAfter` in milliseconds. */
export async function livePoolers(sql: Sql, forgottenAfter: number): Promise<readonly string[]> {
  const rows = await sql.query<{ name: string }>(
    `select m.name from citus_sidecar.members m
      where m.role = 'pooler' and m.last_seen > pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $1)
      order by 1`,
    [forgottenAfter / 1_000],
  )
  return rows.map(({ name }) => name)
}

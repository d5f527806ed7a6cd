// What a node hold reads and writes on the coordinator: the hold, the metadata nodes, the poolers that go first.
import type { Sql } from '../../probes/sql.ts'
import type { Address } from '../config.ts'
import type { Session } from '../pg/session.ts'
import { answerHold, livePoolers, openHold, readHold } from './hold-ledger.ts'
import type { HoldLedger } from './follower.ts'

/** A node through which clients can write; without an address it is the coordinator itself. */
export interface MetadataNode {
  readonly name: string
  readonly address: Address | undefined
}

/** What is locked, and where: the coordinator first, then in the order of node ids, so that no two ever wait crosswise. */
export interface HoldPlan {
  readonly group: number
  readonly nodes: readonly MetadataNode[]
}

export interface PoolersSoFar {
  /** Some have not answered the hold yet. */
  readonly silent: boolean
  /** Some hold: their clients wait already. */
  readonly held: boolean
}

/** Holds as the ledger has them, and what it takes to hold a node. */
export interface NodeLedger extends HoldLedger {
  /** What must be locked for a member, or why it cannot be held. */
  plan(member: string, signal: AbortSignal): Promise<HoldPlan | { readonly unfit: string }>
  /** How it stands with the poolers that are alive. */
  poolers(id: string, signal: AbortSignal): Promise<PoolersSoFar>
}

interface NodeRow {
  readonly host: string
  readonly port: number
}

async function readPlan(sql: Sql, member: string): Promise<HoldPlan | { readonly unfit: string }> {
  const [known] = await sql.query<{ group: number | null; inRecovery: boolean; found: boolean }>(
    `select m.group_id as "group", m.in_recovery as "inRecovery",
            exists (select from pg_catalog.pg_dist_node n where n.groupid = m.group_id and n.noderole = 'primary') as found
       from citus_sidecar.members m where m.name = $1`,
    [member],
  )
  if (known === undefined) return { unfit: `member ${member} has not announced itself` }
  if (known.group === null || !known.found) return { unfit: `${member} is not registered` }
  if (known.group === 0) return { unfit: `${member} is the coordinator: writes to it can be held by poolers alone` }
  if (known.inRecovery) return { unfit: `${member} is a standby: nobody writes to it` }
  const rows = await sql.query<NodeRow>(
    `select n.nodename as host, n.nodeport as port from pg_catalog.pg_dist_node n
      where n.isactive and n.hasmetadata and n.noderole = 'primary' and n.groupid not in (0, $1) order by n.nodeid`,
    [known.group],
  )
  const others = rows.map(({ host, port }) => ({ name: `${host}:${port}`, address: { host, port } }))
  return { group: known.group, nodes: [{ name: 'the coordinator', address: undefined }, ...others] }
}

async function poolersSoFar(sql: Sql, id: string, forgottenAfter: number): Promise<PoolersSoFar> {
  const answers = (await readHold(sql, id))?.answers.filter(({ kind }) => kind === 'pool') ?? []
  const answered = new Set(answers.map(({ holder }) => holder))
  const silent = (await livePoolers(sql, forgottenAfter)).some((name) => !answered.has(name))
  return { silent, held: answers.some(({ state }) => state === 'held') }
}

/** The ledger over a session; `timeout` bounds one question and `forgottenAfter` is how long a pooler may be silent, milliseconds. */
export function nodeLedger(session: Session, timeout: number, forgottenAfter: number): NodeLedger {
  const sql = (signal: AbortSignal): Sql => session.sql({ timeout, signal })
  return {
    open: async (signal) => await openHold(sql(signal)),
    read: async (id, signal) => await readHold(sql(signal), id),
    answer: async (id, answer, signal) => await answerHold(sql(signal), id, answer),
    plan: async (member, signal) => await readPlan(sql(signal), member),
    poolers: async (id, signal) => await poolersSoFar(sql(signal), id, forgottenAfter),
  }
}

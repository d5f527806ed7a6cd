// A worker that is gone for good with shards on it: nothing is done about it, for its volume may hold the only copy; it is said, loudly.
import type { LostMember } from '../../exporters/removal.ts'
import type { ClusterView } from '../../probes/citus/nodes.ts'
import type { Peer } from '../../probes/citus/peers.ts'
import type { Sql } from '../../probes/sql.ts'
import type { Member } from '../cluster/ledger.ts'
import { gaveUpAddress } from '../cluster/silence.ts'
import type { Report } from '../events.ts'

/** What is known of the others; a part that nobody could say is undefined. */
export interface Others {
  readonly members: readonly Member[]
  readonly view: ClusterView | undefined
  readonly peers: readonly Peer[] | undefined
  /** Milliseconds since 1970. */
  readonly now: number
}

/** A registered worker, and whether nobody hears of it: its sidecar is silent for as long as it keeps an address, and PostgreSQL does not answer. */
interface Watched {
  readonly member: string
  readonly group: number
  readonly gone: boolean
}

/** The workers that are registered. */
export function watched({ members, view, peers, now }: Others): readonly Watched[] {
  return members.flatMap((member) => {
    const row = view?.nodes.find(
      ({ host, port, role }) => host === member.host && port === member.port && role === 'primary',
    )
    if (row === undefined || row.groupId === 0) return []
    // A node that was disabled is no peer: nobody tries to reach it.
    const answers = peers === undefined || peers.some(({ groupId, reachable }) => groupId === row.groupId && reachable)
    return [{ member: member.name, group: row.groupId, gone: gaveUpAddress(member, now) && !answers }]
  })
}

const onlyThereSql = `
  select count(*)::int as shards from pg_catalog.pg_dist_placement p
   where p.groupid = $1 and not exists (select from pg_catalog.pg_dist_placement o where o.shardid = p.shardid and o.groupid <> p.groupid)`

/** Says when a worker with shards is gone, and when it is back. */
export class LostShards {
  readonly #report: Report
  #found: readonly LostMember[] = []

  constructor(report: Report) {
    this.#report = report
  }

  get found(): readonly LostMember[] {
    return this.#found
  }

  /** Looks once; shards are counted only where somebody is gone. @throws as queries do. */
  async look(others: Others, sql: Sql): Promise<void> {
    const found: LostMember[] = []
    for (const { member, group, gone } of watched(others)) {
      const rows = gone ? await sql.query<{ shards: number }>(onlyThereSql, [group]) : []
      found.push({ member, shards: rows[0]?.shards ?? 0 })
    }
    const before = this.#found
    this.#found = found
    for (const { member, shards } of found) {
      const was = before.find((one) => one.member === member)?.shards ?? 0
      if (shards > 0 && was === 0) this.#report('member.lost', { member, shards })
      if (shards === 0 && was > 0) this.#report('member.back', { member })
    }
  }
}

// The cluster as people want to see it: members of the ledger joined with what the coordinator has registered.
import { nodesSql } from '../../probes/citus/nodes.ts'
import type { ClusterNode } from '../../probes/citus/nodes.ts'
import type { Sql } from '../../probes/sql.ts'
import { ageText } from '../../probes/verdicts/verdict.ts'
import { readMembers } from './ledger.ts'
import type { Member } from './ledger.ts'
import { poolerText } from './pooler-facts.ts'
import type { PoolerFacts } from './pooler-facts.ts'
import { isLost } from './silence.ts'

/** One line of the table; null where nobody knows. */
export interface NodeLine {
  readonly node: string
  readonly role: string
  readonly group: number | null
  readonly address: string
  /** registered state: active, disabled, unregistered, and what the sidecar says; of a pooler: serving, pausing, paused. */
  readonly state: string
  readonly ready: boolean | null
  readonly reason: string
  readonly lagBytes: number | null
  readonly sidecarVersion: string | null
  /** Milliseconds since 1970. */
  readonly lastSeen: number | null
  readonly lastSeenAge: string
  /** What a pooler says of itself; null for nodes. */
  readonly pooler: PoolerFacts | null
}

export interface ClusterStatus {
  readonly now: number
  readonly nodes: readonly NodeLine[]
}

/** Joins members and registered nodes; a node without a sidecar is shown too. */
export function joinStatus(members: readonly Member[], nodes: readonly ClusterNode[], now: number): ClusterStatus {
  const rowOf = (member: Member): ClusterNode | undefined =>
    nodes.find((node) => node.host === member.host && node.port === member.port)
  const lines = members.map((member): NodeLine => {
    const row = rowOf(member)
    const age = now - member.lastSeen
    const lost = isLost(member, now)
    return {
      node: member.name,
      role: `${member.role}${member.inRecovery ? ' (standby)' : ''}`,
      // A worker that never joined has group 0 of its own, which says nothing.
      group: row?.groupId ?? (member.role === 'worker' && member.groupId === 0 ? null : member.groupId),
      address: `${member.host}:${member.port}`,
      state: stateOf(member, row, lost),
      ready: lost ? null : member.ready,
      reason: member.reason,
      lagBytes: member.lagBytes,
      sidecarVersion: member.sidecarVersion,
      lastSeen: member.lastSeen,
      lastSeenAge: `${ageText(age)} ago`,
      pooler: member.pooler,
    }
  })
  const strangers = nodes
    .filter((node) => !members.some((member) => member.host === node.host && member.port === node.port))
    .map((node): NodeLine => ({
      node: '-',
      role: node.groupId === 0 ? 'coordinator' : node.role === 'primary' ? 'worker' : `worker (${node.role})`,
      group: node.groupId,
      address: `${node.host}:${node.port}`,
      state: `${node.active ? 'active' : 'disabled'}, no sidecar`,
      ready: null,
      reason: '',
      lagBytes: null,
      sidecarVersion: null,
      lastSeen: null,
      lastSeenAge: '-',
      pooler: null,
    }))
  return {
    now,
    nodes: [...lines, ...strangers].toSorted(
      (a, b) => (a.group ?? 1e9) - (b.group ?? 1e9) || a.node.localeCompare(b.node),
    ),
  }
}

function stateOf(member: Member, row: ClusterNode | undefined, lost: boolean): string {
  // Nobody registers a pooler; nor is it known what one does that is not heard of.
  if (member.role === 'pooler') return lost ? 'lost' : (member.pooler?.state ?? 'unknown')
  const registered =
    row === undefined ? (member.inRecovery ? 'standby' : 'unregistered') : row.active ? 'active' : 'disabled'
  const synced = row?.metadataSynced === false && row.groupId !== 0 ? ', out of sync' : ''
  if (lost) return `${registered}${synced}, lost`
  return member.state === 'ready' || member.state === 'unready'
    ? `${registered}${synced}`
    : `${registered}${synced}, ${member.state}`
}

/** Reads both from the coordinator. @throws as the queries do. */
export async function readClusterStatus(sql: Sql, now: number): Promise<ClusterStatus> {
  const members = await readMembers(sql)
  return joinStatus(members, await sql.query<ClusterNode>(nodesSql), now)
}

/** The table as text, one line a node and the reasons below. */
export function clusterTable(status: ClusterStatus): string {
  const header = ['NODE', 'ROLE', 'GROUP', 'ADDRESS', 'STATE', 'READY', 'LAG', 'SIDECAR', 'LAST SEEN']
  const rows = status.nodes.map((line) => [
    line.node,
    line.role,
    line.group === null ? '-' : String(line.group),
    line.address,
    line.state,
    line.ready === null ? '?' : line.ready ? 'yes' : 'no',
    line.lagBytes === null ? '-' : `${(line.lagBytes / 1024 ** 2).toFixed(1)} MB`,
    line.sidecarVersion ?? '-',
    line.lastSeenAge,
  ])
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const text = [header, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  const reasons = status.nodes
    .filter((line) => line.ready === false && line.reason !== '')
    .map((line) => `${line.node} is not ready: ${line.reason}`)
  const poolers = status.nodes.flatMap(({ node, pooler, ready }) =>
    pooler === null || ready === null ? [] : [`${node}: ${poolerText(pooler)}`],
  )
  return `${[...text, ...poolers, ...reasons].join('\n')}\n`
}

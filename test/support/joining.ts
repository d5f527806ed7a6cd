// What tests of joining ask again and again: what a sidecar finds, whether the catalogs were touched, whether it has
// looked once more. Nothing here sleeps; whatever has to become true is waited for.
import assert from 'node:assert/strict'
import type { FindingCode } from '../../agent/cluster/findings.ts'
import type { StatusReport } from '../../agent/http/status-report.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { logTail } from '../../deploy/local/local-error.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import type { PostgresServer } from '../../deploy/local/postgres-server.ts'

/** Settings that make a sidecar look and tell often, so that tests need not wait for its normal pace. */
export const quick = {
  CITUS_SIDECAR_REGISTRATION_INTERVAL: '1s',
  CITUS_SIDECAR_HEARTBEAT_INTERVAL: '1s',
} as const

/** Long enough for a busy machine, milliseconds; nothing that works comes near it. */
export const patience = 60_000

/** What /status says now. */
export async function statusOf(node: LocalNode): Promise<StatusReport> {
  const answer = await node.sidecar.get('/status')
  assert.equal(answer.status, 200)
  return JSON.parse(answer.body) as StatusReport
}

function flipsText(status: StatusReport | undefined): string {
  const flips = status?.flips.slice(-5) ?? []
  return flips
    .map(({ at, verdict, ok, reason }) => `${new Date(at).toISOString()} ${verdict} ${ok} ${reason}`)
    .join('\n')
}

/** Waits until the status is as wanted and returns it; the error shows the node's join and the end of its log. */
export async function until(
  node: LocalNode,
  description: string,
  wanted: (status: StatusReport) => boolean,
  deadline = patience,
): Promise<StatusReport> {
  let last: StatusReport | undefined
  return await eventually(
    `${node.name}: ${description}`,
    async () => {
      last = await statusOf(node)
      return wanted(last) ? last : undefined
    },
    { deadline, context: () => `${JSON.stringify(last?.join)}\n${flipsText(last)}\n${logTail(node.sidecar.logFile)}` },
  )
}

/** Waits until the coordinator has confirmed the node and it is ready. */
export async function joined(node: LocalNode, deadline = patience): Promise<StatusReport> {
  return await until(node, 'joined and ready', ({ join, ready }) => join.finding === 'verified' && ready.ok, deadline)
}

/** Waits until the node is not ready because of this finding, checks what it says, and returns the status. */
export async function finds(
  node: LocalNode,
  code: FindingCode,
  reason: RegExp,
  action?: RegExp,
): Promise<StatusReport> {
  const status = await until(
    node,
    `finds ${code}`,
    ({ finding, ready }) => finding?.code === code && reason.test(finding.reason) && !ready.ok,
  )
  const check = status.ready.checks.find(({ name }) => name === 'registered')
  assert.equal(check?.status, 'failed')
  assert.match(check.reason, reason)
  if (action !== undefined) assert.match(check.action, action)
  const page = await node.sidecar.get('/readyz')
  assert.equal(page.status, 503)
  assert.match(page.body, /^\[-\]registered failed: .+; .+$/m)
  return status
}

/** Waits until the sidecar has begun this many new looks at the coordinator's list: whatever it wanted to do, it could have done. */
export async function looksAgain(node: LocalNode, times = 2): Promise<void> {
  const begun = ({ readings }: StatusReport): number => readings['citus.nodes']?.begunAt ?? 0
  let seen = begun(await statusOf(node))
  for (let look = 0; look < times; look += 1)
    seen = begun(await until(node, 'looks at the coordinator again', (status) => begun(status) > seen))
}

/** Every row of the node catalogs with the transaction that wrote it: equal before and after means that nobody wrote. */
export async function catalogsOf(server: PostgresServer): Promise<Record<string, unknown>[]> {
  return await server.query(`
    select 'node' as catalog, n.xmin::text, n.nodeid, n.groupid, n.nodename, n.nodeport, n.isactive, n.metadatasynced from pg_dist_node n
    union all select 'group', l.xmin::text, null, l.groupid, null, null, null, null from pg_dist_local_group l
    order by 1, 3`)
}

/** Kind, member and outcome of every operation on record, oldest first. */
export async function operations(cluster: LocalCluster): Promise<string[]> {
  const rows = await cluster.coordinator.postgres.query<{ text: string }>(
    `select concat_ws(' ', member, kind, coalesce(outcome, phase)) as text from citus_sidecar.operations order by started_at`,
  )
  return rows.map(({ text }) => text)
}

/** The coordinator's rows as `group host:port state`, in order of groups. */
export async function registered(cluster: LocalCluster): Promise<string[]> {
  const rows = await cluster.coordinator.postgres.query<{ text: string }>(`
    select concat(groupid, ' ', nodename, ':', nodeport, case noderole when 'primary' then '' else ' ' || noderole::text end,
                  case when isactive then '' else ' disabled' end) as text
      from pg_dist_node order by groupid, noderole`)
  return rows.map(({ text }) => text)
}

/** Waits until what two ways of asking give is equal and stays the last word of the wait's error. */
export async function eventuallyEqual<T>(description: string, ask: () => Promise<T>, wanted: T): Promise<void> {
  await eventually(
    description,
    async () => {
      assert.deepEqual(await ask(), wanted)
      return true
    },
    { deadline: patience },
  )
}

/** The node's log lines that are worse than a warning. */
export function complaints(node: LocalNode): unknown[] {
  return node.sidecar
    .log()
    .filter((line) => line['level'] === 'error' || line['level'] === 'fatal' || 'unparsed' in line)
}

// One call that changes Citus metadata: serialised among all sidecars, bounded, on record, its failures sorted.
import { randomUUID } from 'node:crypto'
import type { Config } from '../config.ts'
import type { Sql } from '../../probes/sql.ts'
import { reasonOf, SidecarError, sqlstate } from '../errors.ts'
import type { Report } from '../events.ts'
import type { Session } from '../pg/session.ts'
import { OperationTrace } from '../tracing/operation-trace.ts'
import { actions, recordOperation } from './ledger.ts'
import type { ActionName } from './ledger.ts'
import { takeTurn } from './turn.ts'

/** How an attempt ended. */
export type Attempt =
  | { readonly ok: true }
  | { readonly ok: false; readonly retryable: boolean; readonly reason: string }

/** The call is not made, or was ended, because this node is to stop; the message says why it is. */
export class Interrupted extends Error {
  override name = 'Interrupted'
}

/** SQLSTATEs that pass by themselves: out of sync or in use (55000, 55006), lock timeout, deadlock, serialization, cancelled, shutting down or starting, too many clients. */
const passing = new Set([
  '55000',
  '55006',
  '55P03',
  '40P01',
  '40001',
  '57014',
  '57P01',
  '57P02',
  '57P03',
  '53300',
  '23505',
])

/** Whether trying again can help. */
export function isRetryable(error: unknown): boolean {
  // The server behind the address is another one: that stays so until somebody mends it.
  if (error instanceof Error && 'detail' in error && error.detail === 'identity') return false
  const state = sqlstate(error)
  // How Citus reports a connection that broke under a transaction, or a node without the extension.
  if (state === 'XX000')
    return error instanceof Error && error.message.startsWith('failure on connection marked as essential')
  if (state !== undefined) return passing.has(state) || state.startsWith('08')
  return error instanceof SidecarError ? error.kind === 'retryable' : true
}

/** Who holds the locks that a call waited for in vain, named for a person; empty when nobody could be seen. */
const blockersSql = `
  select distinct coalesce(nullif(a.application_name, ''), 'unnamed') || ' (pid ' || a.pid || ', ' || coalesce(a.usename, '?') || ', ' || coalesce(a.state, '?') || ')' as who
    from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a on a.pid = l.pid
   where l.granted and a.pid <> pg_catalog.pg_backend_pid() and a.backend_type = 'client backend'
     and l.relation is not null and l.mode in ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
   limit 5`

export interface OperationOptions {
  readonly config: Config
  /** A session of its own on the coordinator. */
  readonly session: Session
  readonly report: Report
  readonly member: string
}

/** Runs one action; never throws. */
export async function runAction(
  action: ActionName,
  because: string,
  options: OperationOptions,
  signal: AbortSignal,
): Promise<Attempt> {
  const { config, session, report, member } = options
  const id = randomUUID()
  const told = { 'citus.operation.id': id, 'citus.operation.kind': action, 'citus.member': member }
  const trace = new OperationTrace('register', told)
  const { traceparent } = trace
  const sql = session.sql({ timeout: config.registrationTimeout, signal })
  const record = async (on: Sql, phase: string, outcome: string | null, reason: string): Promise<void> => {
    await recordOperation(on, { id, member, kind: action, phase, outcome, reason, ...(traceparent && { traceparent }) })
  }
  trace.within(() => report('operation.started', { operation: id, kind: action, reason: because }))
  try {
    await trace.part('turn', async () => await takeTurn(sql, config))
    await trace.part('act', async () => {
      await record(sql, 'acting', null, because)
      await sql.query(actions[action], action === 'add-secondary' ? [member, config.clusterName] : [member])
      await record(sql, 'done', 'succeeded', because)
    })
    trace.within(() => report('operation.succeeded', { operation: id, kind: action }))
    trace.end('succeeded')
    return { ok: true }
  } catch (error) {
    const retryable = isRetryable(error)
    trace.failed(error)
    const reason = await trace.within(async () => {
      const blockers = sqlstate(error) === '55P03' ? await who(session, config, signal) : ''
      const said = `${reasonOf(error)}${blockers}`
      const interrupted = signal.reason instanceof Interrupted
      // The call's own time is over, but not that of the sidecar: nobody else would say how it ended.
      const { statementTimeout: timeout } = config
      const last = session.sql({ timeout, signal: interrupted ? AbortSignal.timeout(timeout) : signal })
      await record(last, 'failed', 'failed', said).catch(() => undefined)
      if (!signal.aborted || interrupted)
        report(retryable ? 'operation.failed' : 'operation.stopped', { operation: id, kind: action, reason: said })
      return said
    })
    trace.end('failed')
    return { ok: false, retryable, reason }
  } finally {
    // The turn ends with the session.
    await session.close()
  }
}

async function who(session: Session, config: Config, signal: AbortSignal): Promise<string> {
  try {
    const rows = await session.query<{ who: string }>(blockersSql, [], { timeout: config.statementTimeout, signal })
    return rows.length === 0 ? '' : `; in the way may be: ${rows.map((row) => row.who).join(', ')}`
  } catch {
    return ''
  }
}

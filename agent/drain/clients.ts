// Phase drain: idle clients go first, running transactions may end, then they are cancelled, then cut; Citus' own sessions last.
import type { Sql } from '../../probes/sql.ts'
import type { Config } from '../config.ts'
import type { Clock } from '../loop/clock.ts'
import type { Session } from '../pg/session.ts'
import { heldWhereFull } from './held-where-full.ts'
import { LeftUndone, orLeave } from './step.ts'
import type { Step } from './step.ts'

const pause = 50
const sweepEvery = 100
/** Who still works then may be one that never rests, milliseconds. */
const busyAfter = 500
/** A client that pauses between two transactions is spared so long, milliseconds: it may begin one while we look. */
const restful = 200
/** From then on every moment between two transactions will do, as a share of the phase's time. */
const impatient = 0.25
const cancels = 0.6
const cuts = 0.8

/** One client session; `sinceMs`: how long it has been in its state. */
export interface ClientSession {
  readonly pid: number
  readonly idle: boolean
  readonly internal: boolean
  readonly sinceMs: number
  readonly who: string
}

// Sessions between nodes name themselves with the global pid of the client they work for.
const clientsSql = `
  select a.pid, coalesce(a.state = 'idle', false) as idle, a.application_name like 'citus\\_%gpid=%' as internal,
         coalesce(extract(epoch from pg_catalog.clock_timestamp() - a.state_change) * 1000, 0)::float8 as "sinceMs",
         coalesce(nullif(a.application_name, ''), 'unnamed') || ' of ' || coalesce(a.usename, '?') as who
    from pg_catalog.pg_stat_activity a
   where a.backend_type = 'client backend' and a.pid <> pg_catalog.pg_backend_pid()
     and not (a.usename = current_user and a.application_name like 'citus-sidecar/%')`

/** What to do about one session now; pure. `spent`: share of the phase's time that is over; `clientsWork`: a client's transaction still runs. */
export function verdictOn(
  session: ClientSession,
  spent: number,
  clientsWork: boolean,
): 'wait' | 'cancel' | 'end-idle' | 'end' {
  // A client's transaction may need its sessions between nodes to end well.
  if (session.internal && clientsWork && spent < cuts) return 'wait'
  if (session.idle) return session.sinceMs >= restful || spent >= impatient ? 'end-idle' : 'wait'
  if (spent >= cuts) return 'end'
  return spent >= cancels ? 'cancel' : 'wait'
}

async function end(local: Sql, pids: readonly number[], onlyCancel: boolean, onlyIdle: boolean): Promise<void> {
  if (pids.length === 0) return
  await local.query('select citus_sidecar.end_client(pid, $2, $3) from pg_catalog.unnest($1::integer[]) pid', [
    pids,
    onlyCancel,
    onlyIdle,
  ])
}

/** Ends clients that come after all had gone, until the signal aborts. */
export async function keepNewcomersAway(
  {
    sweep,
    held,
    clock,
    config,
  }: { readonly sweep: Session; readonly held: Session; readonly clock: Clock; readonly config: Config },
  signal: AbortSignal,
): Promise<void> {
  const local = heldWhereFull(sweep.sql({ timeout: config.statementTimeout, signal }), held, config)
  while (!signal.aborted) {
    try {
      const sessions = await local.query<ClientSession>(clientsSql)
      const clients = sessions.filter(({ internal }) => !internal).map(({ pid }) => pid)
      await end(local, clients, false, true)
    } catch {
      // The next look comes soon; what was drained stays drained without it.
    }
    await clock.sleep(sweepEvery, signal)
  }
}

/** The first few of those that were cut, for a person. */
function named(cut: ReadonlyMap<number, string>): string {
  const shown = [...cut].slice(0, 5).map(([pid, who]) => `${who} (pid ${pid})`)
  return `${cut.size} transactions did not end in time and were cut: ${shown.join(', ')}`
}

export const drainClients: Step = async ({ local, clock, budgetMs }, signal) => {
  const begunAt = clock.now()
  const cut = new Map<number, string>()
  let most = 0
  /** Resolves with whether somebody is left. */
  const look = async (): Promise<boolean> => {
    const sessions = await local.query<ClientSession>(clientsSql)
    if (sessions.length === 0) return false
    most = Math.max(most, sessions.length)
    const spent = (clock.now() - begunAt) / budgetMs
    const clientsWork = sessions.some(({ internal, idle }) => !internal && !idle)
    const by = Map.groupBy(sessions, (session) => verdictOn(session, spent, clientsWork))
    const pids = (verdict: ReturnType<typeof verdictOn>): number[] => (by.get(verdict) ?? []).map(({ pid }) => pid)
    await end(local, pids('end-idle'), false, true)
    await end(local, pids('cancel'), true, false)
    await end(local, pids('end'), false, false)
    for (const { pid, who } of [...(by.get('cancel') ?? []), ...(by.get('end') ?? [])]) cut.set(pid, who)
    // Whom no look from here has met between two transactions is waited for on the server itself.
    if (clientsWork && clock.now() - begunAt >= busyAfter)
      await local.query('select citus_sidecar.end_idle($1)', [pause])
    else await clock.sleep(pause, signal)
    return true
  }
  const left = (): string => (cut.size > 0 ? named(cut) : 'clients were still connected when the time was up')
  await orLeave(left, signal, async () => {
    while (!signal.aborted && (await look()));
  })
  if (cut.size > 0 || signal.aborted) throw new LeftUndone(left())
  return most === 0 ? 'no client was connected' : `${most} sessions ended`
}

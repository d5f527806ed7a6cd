// What a server's pg_stat_activity says of the sidecar's sessions.
import { eventually } from '../../deploy/local/eventually.ts'
import type { PostgresServer } from '../../deploy/local/postgres-server.ts'

/** One session of a sidecar. */
export interface ServerSession {
  readonly pid: number
  /** application_name without `citus-sidecar/`. */
  readonly use: string
  readonly query: string
  readonly state: string | null
}

const sql = `
  select pid, substr(application_name, 15) as use, query, state from pg_catalog.pg_stat_activity
   where application_name like 'citus-sidecar/%'`

/** Every session of a sidecar on this server, or those of one use. */
export async function sidecarSessions(server: PostgresServer, use?: string): Promise<readonly ServerSession[]> {
  const all = await server.query<ServerSession & Record<string, unknown>>(sql)
  return all.filter((one) => use === undefined || one.use === use)
}

/** Waits until no session of a sidecar, or none of one use, is left on this server. */
export async function noSessions(server: PostgresServer, use?: string): Promise<void> {
  await eventually(`no session of the sidecar is left on ${server.name}`, async () => {
    const left = await sidecarSessions(server, use)
    if (left.length > 0) throw new Error(JSON.stringify(left))
    return true
  })
}

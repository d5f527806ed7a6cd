// A synchronous standby without a sidecar that streams, and from one moment on stands still: whoever commits waits for it.
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { eventually } from '../../deploy/local/eventually.ts'
import { reservePort } from '../../deploy/local/free-ports.ts'
import { endWithProcess } from '../../deploy/local/leftovers.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { PostgresServer } from '../../deploy/local/postgres-server.ts'
import { becomeStandby } from '../../deploy/local/volume.ts'

const name = 'frozen'

/** Makes one of a running primary and freezes it; what is returned removes it and lets the primary go on alone. */
export async function freezeStandbyOf({ postgres: primary }: LocalNode): Promise<() => Promise<void>> {
  const reserved = await reservePort()
  const folder = join(dirname(primary.spec.folder), name)
  const standby = new PostgresServer({ ...primary.spec, name, folder, port: reserved.port })
  const forget = endWithProcess(() => standby.endNow())
  const remove = async (): Promise<void> => {
    // No longer required while it is still there.
    await primary.query('alter system reset synchronous_standby_names')
    await primary.query('select pg_reload_conf()')
    await standby.kill()
    standby.endNow()
    forget()
    reserved.release()
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    await standby.writeFiles()
    await becomeStandby(standby, primary)
    await standby.start()
    await primary.query(`alter system set synchronous_standby_names = '${name}'`)
    await primary.query('select pg_reload_conf()')
    await eventually('the standby is synchronous', async () => {
      const [row] = await primary.query<{ state: string }>(
        `select sync_state as state from pg_stat_replication where application_name = '${name}' and state = 'streaming'`,
      )
      return row?.state === 'sync'
    })
    await standby.freeze()
    // Nobody waits for this commit, which the standby will not flush.
    await primary.query(`set synchronous_commit = local; create table if not exists public.not_on_the_standby ()`)
    return remove
  } catch (error) {
    await remove()
    throw error
  }
}

// One plain server without sidecar and cluster, for tests that want just that.

import { join } from 'node:path'
import { describeServer, type ServerKind } from './binaries.ts'
import { reservePort } from './free-ports.ts'
import { endWithProcess } from './leftovers.ts'
import { PostgresServer } from './postgres-server.ts'
import { createDatabase, installCitus, readCitusVersion } from './prepare-database.ts'
import { createVolume } from './volume.ts'
import { makeNodeFolder, makeWorkspace, removeWorkspace } from './workspace.ts'

/** What the server is to be. */
export interface LoneServerOptions {
  /** Its database, created where it is not `postgres`. */
  readonly database?: string | undefined
  /** Create the extension citus in that database; no unless told. */
  readonly extension?: boolean | undefined
  readonly server?: ServerKind | undefined
  readonly settings?: Readonly<Record<string, string>> | undefined
}

/** A running server that ends with this process at the latest. */
export interface LoneServer extends AsyncDisposable {
  readonly postgres: PostgresServer
  /** `Citus 13.2.2` or `Citus stand-in (control plane only)`. */
  readonly description: string
  /** Stops it and removes its folder. */
  down(): Promise<void>
}

/** Starts one server in a temporary folder. */
export async function startPostgres(options: LoneServerOptions = {}, signal?: AbortSignal): Promise<LoneServer> {
  const name = 'postgres'
  const workspace = await makeWorkspace({ server: options.server, nodeNames: [name] })
  const reserved = await reservePort()
  const { binaries, user, passwords, ground } = workspace
  const { database = 'postgres' } = options
  const folder = join(ground, name)
  const postgres = new PostgresServer({ name, folder, port: reserved.port, binaries, user, passwords, database })
  const endNow = (): void => {
    postgres.endNow()
    removeWorkspace(workspace)
    reserved.release()
    forget()
  }
  const forget = endWithProcess(endNow)
  const down = async (): Promise<void> => {
    await postgres.stop('immediate').catch(() => postgres.kill())
    endNow()
  }
  try {
    await makeNodeFolder(workspace, name)
    await postgres.writeFiles(options.settings)
    await createVolume(postgres.spec, signal)
    await postgres.start({}, signal)
    if (options.extension === true) await installCitus(postgres)
    else if (database !== 'postgres') await createDatabase(postgres, database)
    const description = describeServer(binaries.citus, await readCitusVersion(postgres))
    return { postgres, description, down, [Symbol.asyncDispose]: down }
  } catch (error) {
    await down()
    throw error
  }
}

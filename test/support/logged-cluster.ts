// A cluster whose servers log every statement as JSON and whose sidecars read that, with an application on top.
import { join } from 'node:path'
import { Client } from 'pg'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { joined, quick } from './joining.ts'
import type { OtlpReceiver } from './otlp-receiver.ts'
import { logging } from './statement-log.ts'

export interface LoggedOptions {
  readonly workers: number
  /** Where spans go; traces are off without one. */
  readonly receiver?: OtlpReceiver
  /** Settings of the servers and of the sidecars, on top. */
  readonly postgres?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
}

/** What a sidecar of it is started with. */
export function readingEnv(node: LocalNode, { receiver, env }: LoggedOptions): Readonly<Record<string, string>> {
  return { CITUS_SIDECAR_LOG_DIR: join(node.dataDir, 'log'), ...receiver?.env, ...env }
}

/** All nodes have joined, and their logs are read. */
export async function startLogged(options: LoggedOptions): Promise<LocalCluster> {
  const { workers, postgres } = options
  const postgresSettings = { ...logging, ...postgres }
  const cluster = await startCluster({ workers, env: quick, sidecars: false, postgresSettings })
  try {
    for (const node of cluster.nodes) node.sidecar.start(readingEnv(node, options))
    for (const node of cluster.nodes) {
      await joined(node)
      // A reader begins at the end of the log, wherever that is when it begins.
      await eventually(`the log of ${node.name} is read`, async () => (await readLines(node)) > 0)
    }
    return cluster
  } catch (error) {
    await cluster.down()
    throw error
  }
}

async function readLines({ sidecar }: LocalNode): Promise<number> {
  const { body } = await sidecar.get('/metrics')
  return Number(/^citus_sidecar_log_reader_lines_total (\d+)$/m.exec(body)?.[1] ?? 0)
}

/** A session of an application; the caller ends it. */
export async function application({ postgres }: LocalNode, name = 'shop'): Promise<Client> {
  const client = new Client({
    host: postgres.socketDir,
    port: postgres.port,
    user: 'postgres',
    database: 'app',
    application_name: name,
  })
  await client.connect()
  return client
}

/** A trace context that an application might have, and the comment in which it says so. */
export function callerOf(
  name: string,
  sampled = true,
): { traceId: string; spanId: string; comment: string; text: string } {
  const traceId = Buffer.from(name.padEnd(16).slice(0, 16)).toString('hex')
  const spanId = Buffer.from(name.padEnd(8).slice(0, 8)).toString('hex')
  const text = `00-${traceId}-${spanId}-0${sampled ? 1 : 0}`
  return { traceId, spanId, text, comment: `/*traceparent='${text}'*/` }
}

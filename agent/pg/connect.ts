// Opens one client connection within its deadline and gives it up whole when that fails.
import { Client } from 'pg'
import type { ClientConfig } from 'pg'
import type { Config } from '../config.ts'
import { reasonOf, SidecarError } from '../errors.ts'
import { clientConfig } from './conninfo.ts'
import type { ConnectionTarget } from './conninfo.ts'

/** What pg keeps to itself but cancelling and dropping a connection need. */
interface Innards {
  readonly processID?: number | null
  readonly secretKey?: number | null
  readonly connection?: { readonly stream?: { readonly bytesRead?: number; destroy(): void } }
}

/** The key with which a server lets a running query be cancelled. */
export function cancelKey(client: Client): { processId: number; secret: number } | undefined {
  const { processID, secretKey } = client as unknown as Innards
  return typeof processID === 'number' && typeof secretKey === 'number'
    ? { processId: processID, secret: secretKey }
    : undefined
}

/** What the server has sent since the connection was opened, bytes. */
export function bytesRead(client: Client): number {
  return (client as unknown as Innards).connection?.stream?.bytesRead ?? 0
}

/** Drops the socket at once: a polite goodbye would wait for a peer that may be frozen. */
export function destroyClient(client: Client): void {
  client.on('error', () => {
    // Whatever a dropped connection still reports is no news.
  })
  const { connection } = client as unknown as Innards
  connection?.stream?.destroy()
}

/** Says goodbye, so that the server closes its side cleanly, and waits for that no longer than `patience` milliseconds. */
export async function endClient(client: Client, patience: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, patience).unref()
  void client.end().then(resolve, () => resolve())
  await promise
  clearTimeout(timer)
  destroyClient(client)
}

const noTls = 'The server does not support SSL connections'

/** Runs `open` with TLS and, under PGSSLMODE=prefer and a server without it, once more in the clear. */
export async function preferTls<T>(
  config: Config,
  settings: ClientConfig,
  open: (settings: ClientConfig) => Promise<T>,
): Promise<T> {
  try {
    return await open(settings)
  } catch (error) {
    if (config.pgSslMode !== 'prefer' || !(error instanceof Error) || !error.message.includes(noTls)) throw error
    return await open({ ...settings, ssl: false })
  }
}

/** Connects. @throws SidecarError CONNECT_FAILED (cause: the server's or the socket's error) or SECRET_UNREADABLE. */
export async function connect(config: Config, target: ConnectionTarget, signal: AbortSignal): Promise<Client> {
  const settings = await clientConfig(config, target)
  try {
    return await preferTls(
      config,
      settings,
      async (one) => await attempt(new Client(one), config.connectTimeout, signal),
    )
  } catch (error) {
    return failed(target, error)
  }
}

function failed(target: ConnectionTarget, error: unknown): never {
  const { host, port } = target.address
  throw new SidecarError('CONNECT_FAILED', `${host}:${port} as ${target.user}: ${reasonOf(error)}`, { cause: error })
}

async function attempt(client: Client, timeout: number, signal: AbortSignal): Promise<Client> {
  // pg's own timer does not cover a socket that swallows the login, so the deadline is ours.
  const { promise, reject } = Promise.withResolvers<never>()
  const deadline = setTimeout(() => reject(new Error(`no answer to the login within ${timeout} ms`)), timeout)
  const onAbort = (): void => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
  signal.addEventListener('abort', onAbort, { once: true })
  client.on('error', () => {
    // Reported by connect() while it runs, by the owner's listener afterwards.
  })
  try {
    if (signal.aborted) onAbort()
    await Promise.race([client.connect(), promise])
    return client
  } catch (error) {
    destroyClient(client)
    throw error
  } finally {
    clearTimeout(deadline)
    signal.removeEventListener('abort', onAbort)
  }
}

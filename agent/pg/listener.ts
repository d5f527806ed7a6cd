// The LISTEN session, and the only file that knows pg-listen: a notification means "look again", never more.
// pg-listen gives up reconnecting after 3 s, checks liveness without a deadline and reconnects after close(); so each
// subscriber here lives for one connection (retryLimit 1), proves itself by notifying its own private channel, and
// is replaced by us with backoff. Whatever is lost meanwhile costs latency only: polling is the floor.
import { randomUUID } from 'node:crypto'
import { Socket } from 'node:net'
import type { ClientConfig } from 'pg'
import pgListen from 'pg-listen'
import type { Subscriber } from 'pg-listen'
import type { Config } from '../config.ts'
import { SidecarError } from '../errors.ts'
import { delayOf } from '../loop/backoff.ts'
import type { Clock } from '../loop/clock.ts'
import { preferTls } from './connect.ts'
import { clientConfig } from './conninfo.ts'
import type { ConnectionTarget } from './conninfo.ts'

export const channel = 'citus_sidecar'
/** A session whose own notification has not come back for this long is dead; two heartbeats fit into a minute's patience. */
const heartbeatInterval = 10_000
const heartbeatLimit = 5_000
const retry = { base: 250, cap: 10_000 }

export interface ListenerOptions {
  readonly config: Config
  readonly clock: Clock
  readonly random: () => number
  readonly target: (signal: AbortSignal) => Promise<ConnectionTarget>
  /** Something may have changed: a notification came, or the session is new and may have missed some. */
  readonly onHint: () => void
  /** The session is up, or down with the reason. */
  readonly onState: (state: { up: boolean; reason: string | undefined }) => void
  /** Asked at each connect: a signal that ends this one session, so that it keeps no server from shutting down. */
  readonly until?: () => AbortSignal
  /** Milliseconds between heartbeats; shorter in tests only. */
  readonly heartbeat?: { readonly interval: number; readonly limit: number }
}

/** Listens until the signal aborts; never throws. */
export async function listen(options: ListenerOptions, signal: AbortSignal): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    try {
      await listenOnce(options, signal, () => {
        failures = 0
      })
    } catch (error) {
      if (signal.aborted) return
      failures += 1
      options.onState({ up: false, reason: error instanceof Error ? error.message : String(error) })
    }
    await options.clock.sleep(delayOf(failures, retry, options.random), signal)
  }
}

async function listenOnce(options: ListenerOptions, signal: AbortSignal, onUp: () => void): Promise<void> {
  const target = await options.target(signal)
  const settings = await clientConfig(options.config, target)
  await preferTls(options.config, settings, async (one) => await listenWith(one, options, signal, onUp))
}

async function listenWith(
  settings: ClientConfig,
  options: ListenerOptions,
  signal: AbortSignal,
  onUp: () => void,
): Promise<void> {
  const { config, clock } = options
  const socket = new Socket()
  const ssl = settings.ssl === undefined ? false : settings.ssl
  // pg-listen has no way to drop a connection that hangs; the socket under it has.
  const subscriber = pgListen.default(
    { ...settings, ssl, stream: () => socket },
    { retryLimit: 1, paranoidChecking: false, parse: (text: string) => text, serialize: String },
  )
  const { promise: broken, reject } = Promise.withResolvers<never>()
  broken.catch(() => undefined)
  // With retryLimit 1 pg-listen has one error to tell, that of not having reconnected.
  subscriber.events.on('error', (error: Error) =>
    reject(new SidecarError('LISTEN_FAILED', 'the session ended', { cause: error })),
  )
  const onAbort = (): void => reject(new SidecarError('LISTEN_FAILED', 'the sidecar ends'))
  const onUntil = (): void => reject(new SidecarError('LISTEN_FAILED', 'the server is shutting down'))
  const until = options.until?.()
  signal.addEventListener('abort', onAbort, { once: true })
  until?.addEventListener('abort', onUntil, { once: true })
  try {
    const own = `${channel}_${randomUUID().replaceAll('-', '')}`
    await within(config.connectTimeout, 'the login', broken, open(subscriber, own))
    subscriber.notifications.on(channel, options.onHint)
    onUp()
    options.onState({ up: true, reason: undefined })
    options.onHint()
    await keepAlive(subscriber, own, broken, { ...options, clock }, signal)
  } finally {
    signal.removeEventListener('abort', onAbort)
    until?.removeEventListener('abort', onUntil)
    socket.destroy()
    void Promise.resolve(subscriber.close()).catch(() => undefined)
  }
}

async function open(subscriber: Subscriber, own: string): Promise<void> {
  await subscriber.connect()
  await subscriber.listenTo(channel)
  await subscriber.listenTo(own)
}

async function keepAlive(
  subscriber: Subscriber,
  own: string,
  broken: Promise<never>,
  options: ListenerOptions,
  signal: AbortSignal,
): Promise<void> {
  const { interval, limit } = options.heartbeat ?? { interval: heartbeatInterval, limit: heartbeatLimit }
  while (!signal.aborted) {
    await Promise.race([broken, options.clock.sleep(interval, signal)])
    const echo = Promise.withResolvers<void>()
    subscriber.notifications.once(own, () => echo.resolve())
    await within(limit, 'the heartbeat', broken, Promise.all([subscriber.notify(own, 'beat'), echo.promise]))
  }
}

async function within<T>(limit: number, what: string, broken: Promise<never>, work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => reject(new SidecarError('LISTEN_FAILED', `no answer to ${what} within ${limit} ms`)),
    limit,
  )
  try {
    return await Promise.race([work, broken, late])
  } finally {
    clearTimeout(timer)
    // Once lost, the work may still fail later; that is no news.
    work.catch(() => undefined)
  }
}

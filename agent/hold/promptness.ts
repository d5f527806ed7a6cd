// What makes a PgBouncer find a server that is back, changed by its console and set back afterwards: how long it believes an address, and,
// while clients are let go, how soon it tries a server again. Nothing there makes it forget an address (pgbouncer#882), so a believed
// one must be short-lived before a node leaves, not when it has come back.
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { replaceFile } from '../../probes/replace-file.ts'
import type { Console } from './console.ts'

/** Settings and the most they may be, seconds. */
type Limits = Readonly<Record<string, number>>

/** While this sidecar runs: an address, or that there is none, is asked for again after a second. */
const always: Limits = { dns_max_ttl: 1, dns_nxdomain_ttl: 1 }
/** While clients are let go: a server that is not there yet is asked again soon, and one that does not answer is soon given up. */
const hurried: Limits = { server_login_retry: 0.1, server_connect_timeout: 2 }
/** Zero means for ever. */
const endless: ReadonlySet<string> = new Set(['server_connect_timeout'])
const known = { ...always, ...hurried }

/** One command of the console, milliseconds. */
const timeout = 1_000
const schema = z.record(z.string(), z.string().regex(/^\d+(\.\d+)?$/))

function isAbove(key: string, value: string, most: number): boolean {
  return Number(value) > most || (endless.has(key) && Number(value) === 0)
}

export class Promptness {
  readonly #console: Console
  readonly #file: string
  /** What the settings were before this sidecar, or an earlier one, changed them. */
  #before: Map<string, string> | undefined
  /** Ends when everything asked for so far has. */
  #turn: Promise<unknown> = Promise.resolve()

  /** What was changed lies in the run directory, so that a sidecar that is killed leaves nothing for good. */
  constructor(console: Console, runDir: string) {
    this.#console = console
    this.#file = join(runDir, 'pooler-settings.json')
  }

  /** Keeps PgBouncer from believing an address for long. Returns what was changed, from what. Best effort, never throws. */
  async shortenDns(signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
    return await this.#lower(always, signal)
  }

  /** Makes PgBouncer try servers again soon. Best effort, never throws. */
  async hurry(signal: AbortSignal): Promise<void> {
    await this.#lower(hurried, signal)
  }

  /** Ends the hurry. Best effort, never throws. */
  async calm(signal: AbortSignal): Promise<void> {
    await this.#setBack(hurried, signal)
  }

  /** Sets everything back. Best effort, never throws. */
  async end(signal: AbortSignal): Promise<void> {
    await this.#setBack(known, signal)
  }

  async #lower(limits: Limits, signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
    return await this.#inTurn({}, async () => {
      const before = await this.#load()
      const rows = await this.#console.settings({ timeout, signal })
      const changes = rows.flatMap(({ key, value }) => {
        const most = limits[key]
        return most !== undefined && isAbove(key, value, most) ? [[key, value, most] as const] : []
      })
      if (changes.length === 0) return {}
      for (const [key, value] of changes) before.set(key, value)
      // Before the change: otherwise nobody could take it back after us.
      await this.#save(before)
      for (const [key, , most] of changes) await this.#console.set(key, String(most), { timeout, signal })
      return Object.fromEntries(changes.map(([key, value]) => [key, value]))
    })
  }

  async #setBack(limits: Limits, signal: AbortSignal): Promise<void> {
    await this.#inTurn(undefined, async () => {
      const before = await this.#load()
      const ours = [...before].filter(([key]) => key in limits)
      if (ours.length === 0) return
      const rows = await this.#console.settings({ timeout, signal })
      for (const [key, value] of ours) {
        const now = rows.find((row) => row.key === key)?.value
        // Another value is somebody else's: PgBouncer was restarted or reloaded, or a person set it.
        if (now !== undefined && Number(now) === limits[key]) await this.#console.set(key, value, { timeout, signal })
        before.delete(key)
      }
      await this.#save(before)
    })
  }

  async #inTurn<T>(otherwise: T, action: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(async () => await action().catch(() => otherwise))
    this.#turn = turn
    return await turn
  }

  async #load(): Promise<Map<string, string>> {
    if (this.#before !== undefined) return this.#before
    let found: Readonly<Record<string, string>> = {}
    try {
      found = schema.parse(JSON.parse(await readFile(this.#file, 'utf8')))
    } catch {
      // Nothing there, or nothing of ours.
    }
    this.#before = new Map(Object.entries(found).filter(([key]) => key in known))
    return this.#before
  }

  async #save(before: ReadonlyMap<string, string>): Promise<void> {
    if (before.size === 0) await rm(this.#file, { recursive: true, force: true })
    else await replaceFile(this.#file, JSON.stringify(Object.fromEntries(before)))
  }
}

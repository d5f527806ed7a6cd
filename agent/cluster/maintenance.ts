// The maintenance switch: kept in a file, in the notebook and in the ledger; whoever was switched last is right.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import type { Maintenance } from '../../probes/verdicts/verdict.ts'
import type { Config } from '../config.ts'
import type { Clock } from '../loop/clock.ts'
import type { Session } from '../pg/session.ts'
import { replaceFile } from '../../probes/replace-file.ts'
import { writeMaintenance } from './notebook.ts'
import type { Registration } from './registration.ts'

const schema = z.object({ on: z.boolean(), changedAt: z.number(), reason: z.string() })

export const noMaintenance: Maintenance = { on: false, changedAt: 0, reason: '' }

/** The latest of several copies; a copy that is missing or unreadable has no say. */
export function latest(...copies: readonly unknown[]): Maintenance {
  const known = copies.flatMap((copy) => {
    const parsed = schema.safeParse(copy)
    return parsed.success ? [parsed.data] : []
  })
  return known.reduce<Maintenance>((newest, copy) => (copy.changedAt > newest.changedAt ? copy : newest), noMaintenance)
}

function path(runDir: string): string {
  return join(runDir, 'maintenance.json')
}

/** The copy in the run directory, which works while PostgreSQL is down; none when it is missing or unreadable. */
export async function readMaintenanceFile(runDir: string): Promise<Maintenance> {
  try {
    return latest(JSON.parse(await readFile(path(runDir), 'utf8')))
  } catch {
    return noMaintenance
  }
}

/** Writes the copy in the run directory; readers see the old or the new one, never half. @throws the file system's error. */
export async function writeMaintenanceFile(runDir: string, maintenance: Maintenance): Promise<void> {
  await replaceFile(path(runDir), JSON.stringify(maintenance))
}

/** How often the copy in the notebook is compared, milliseconds; switching itself is immediate. */
const compareEvery = 1_000

/** The switch as the running sidecar knows it. */
export class MaintenanceSwitch {
  readonly #runDir: string
  readonly #clock: Clock
  #current: Maintenance = noMaintenance

  constructor(runDir: string, clock: Clock) {
    this.#runDir = runDir
    this.#clock = clock
  }

  get current(): Maintenance {
    return this.#current
  }

  /** Reads the copy that a restarted container still has. */
  async load(): Promise<void> {
    this.#current = latest(this.#current, await readMaintenanceFile(this.#runDir))
  }

  /** Switches, with the file as first copy: it works while PostgreSQL is down. @throws the file system's error. */
  async set(on: boolean, reason: string): Promise<Maintenance> {
    // Later than every copy there is, even where another clock was ahead.
    const changedAt = Math.max(this.#clock.now(), this.#current.changedAt + 1)
    const next = { on, changedAt, reason }
    await writeMaintenanceFile(this.#runDir, next)
    this.#current = next
    return next
  }

  /** Takes over the newest of other copies, at once: nothing may be done before the switch is known. */
  async hear(...copies: readonly unknown[]): Promise<void> {
    const newest = latest(this.#current, ...copies)
    if (newest.changedAt <= this.#current.changedAt) return
    this.#current = newest
    await writeMaintenanceFile(this.#runDir, newest).catch(() => undefined)
  }

  /** Writes the switch into the notebook whenever the copy there is older, until the signal aborts; the heartbeat writes the ledger's copy. */
  async follow(registration: Registration, local: Session, config: Config, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const noted = registration.notebook?.maintenance
      if (
        registration.notebook !== undefined &&
        registration.primary &&
        (noted?.changedAt ?? 0) < this.#current.changedAt
      ) {
        try {
          await writeMaintenance(local.sql({ timeout: config.statementTimeout, signal }), this.#current)
          registration.forgetNotebook()
        } catch {
          // The next comparison tries again; the file has it meanwhile.
        }
      }
      await this.#clock.sleep(compareEvery, signal)
    }
  }
}

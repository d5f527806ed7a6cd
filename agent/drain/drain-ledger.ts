// Keeps a drain's phases on record in the ledger; behind its back, for a ledger that is away must not delay a drain.
import { recordOperation } from '../cluster/ledger.ts'
import type { Config } from '../config.ts'
import type { Session } from '../pg/session.ts'
import type { PhaseName } from './machine.ts'
import type { DrainRecord } from './record.ts'

/** Longer than this nobody waits for the ledger, milliseconds. */
const patience = 2_000
/** What has not been written when this much waits is left out. */
const mostWaiting = 20

export class DrainLedger {
  readonly #config: Config
  readonly #session: Session
  #last: Promise<void> = Promise.resolve()
  #waiting = 0

  constructor({ config, ledger }: { readonly config: Config; readonly ledger: Session }) {
    this.#config = config
    this.#session = ledger
  }

  phase(record: DrainRecord, name: PhaseName): void {
    const found = record.phases.find((one) => one.name === name)
    this.#write(
      record,
      name,
      null,
      found === undefined ? null : `${found.state}${found.reason === '' ? '' : `: ${found.reason}`}`,
    )
  }

  ended(record: DrainRecord): void {
    const failed = record.phases.filter(({ state }) => state === 'failed')
    const outcome = record.cancelled ? 'cancelled' : failed.length > 0 ? 'incomplete' : 'succeeded'
    this.#write(record, 'back', outcome, failed.map(({ name, reason }) => `${name}: ${reason}`).join('; '))
  }

  #write(record: DrainRecord, phase: string, outcome: string | null, reason: string | null): void {
    if (this.#config.role === 'standalone' || this.#waiting >= mostWaiting) return
    this.#waiting += 1
    this.#last = this.#last.then(async () => {
      try {
        const sql = this.#session.sql({ timeout: patience, signal: AbortSignal.timeout(patience) })
        await recordOperation(sql, {
          id: record.id,
          member: this.#config.node,
          kind: 'drain',
          phase,
          outcome,
          reason: reason?.slice(0, 500) ?? null,
        })
      } catch {
        // The log has every phase; the ledger is a convenience here.
      } finally {
        this.#waiting -= 1
      }
    })
  }
}

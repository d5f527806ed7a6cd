// Keeps a drain and its phases on record in the ledger; behind its back, on a connection of its own, for a ledger that is away must
// not delay a drain. What is told is always all of it, so that whatever was missed is there once the ledger answers.
import { recordOperation } from '../cluster/ledger.ts'
import type { Config } from '../config.ts'
import { reasonOf, sqlstate } from '../errors.ts'
import { ChildSignal } from '../loop/child-signal.ts'
import type { Clock } from '../loop/clock.ts'
import type { Session } from '../pg/session.ts'
import { leftUndone } from './record.ts'
import type { DrainRecord } from './record.ts'

/** Longer than this no statement waits for the ledger, milliseconds. */
const patience = 2_000
/** Longer than this the drain does not wait until the ledger has the state, milliseconds: clients may be waiting. */
const keepPatience = 500
/** What the ledger did not take is told again after this, milliseconds, for as long as this many times. */
const again = 5_000
const mostTries = 120
const rest = 60_000

export class DrainLedger {
  readonly #options: { readonly config: Config; readonly clock: Clock; readonly notes: Session }
  #wake = Promise.withResolvers<void>()
  #owed: DrainRecord | undefined
  #tries = 0
  /** The operation whose state the ledger has. */
  #kept: string | undefined
  /** Hears how the ledger took the state. */
  #onKept: (refused: string | undefined) => void = () => undefined

  constructor(options: { readonly config: Config; readonly clock: Clock; readonly notes: Session }) {
    this.#options = options
  }

  /** The drain as it is now. */
  tell(record: DrainRecord): void {
    if (this.#options.config.role === 'standalone') return
    this.#owed = record
    this.#tries = 0
    this.#wake.resolve()
  }

  /** Tells the drain with its state and waits for the ledger, briefly; resolves with why the ledger does not have it. */
  async keep(record: DrainRecord, signal: AbortSignal): Promise<string | undefined> {
    if (this.#options.config.role === 'standalone') return undefined
    const { promise, resolve } = Promise.withResolvers<string | undefined>()
    this.#onKept = resolve
    this.tell(record)
    using late = new ChildSignal(signal)
    const slow = this.#options.clock.sleep(keepPatience, late.signal).then(() => `no answer within ${keepPatience} ms`)
    const refused = await Promise.race([promise, slow])
    late.abort()
    return refused
  }

  /** Works until the signal aborts. @throws never. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers<void>()
      const owed = this.#owed
      if (owed !== undefined) await this.#pay(owed)
      using pause = new ChildSignal(signal)
      const wait = this.#owed === undefined ? rest : again
      await Promise.race([this.#wake.promise, this.#options.clock.sleep(wait, pause.signal)])
      pause.abort()
    }
  }

  async #pay(record: DrainRecord): Promise<void> {
    const refused = await this.#write(record)
    if (record.kept !== undefined) this.#onKept(refused)
    this.#tries += 1
    if (this.#owed === record && (refused === undefined || this.#tries >= mostTries)) this.#owed = undefined
  }

  /** Resolves with why the ledger did not take all of it. */
  async #write(record: DrainRecord): Promise<string | undefined> {
    const { config, notes } = this.#options
    const sql = notes.sql({ timeout: patience, signal: AbortSignal.timeout(patience) })
    try {
      const { id, traceparent } = record
      const trace = traceparent === undefined ? {} : { traceparent }
      await recordOperation(sql, { id, member: config.node, kind: 'drain', ...summaryOf(record), ...trace })
      const state = record.kept !== undefined && this.#kept !== record.id ? { state: record.kept } : {}
      const drain = { operation: record.id, member: config.node, phases: phasesOf(record), ...state }
      await sql.query('select citus_sidecar.record_drain($1::jsonb)', [JSON.stringify(drain)])
      if (record.kept !== undefined) this.#kept = record.id
      return undefined
    } catch (error) {
      // The ledger is that of the version before, which has no place for phases.
      if (sqlstate(error) === '42883') this.#tries = mostTries
      return reasonOf(error)
    }
  }
}

function summaryOf(record: DrainRecord): {
  readonly phase: string
  readonly outcome: string | null
  readonly reason: string | null
} {
  if (record.state === 'back') {
    const undone = leftUndone(record)
    const outcome = record.cancelled ? 'cancelled' : undone.length > 0 ? 'incomplete' : 'succeeded'
    return { phase: 'back', outcome, reason: undone.join('; ').slice(0, 500) }
  }
  const last = record.phases.at(-1)
  if (last === undefined) return { phase: record.state, outcome: null, reason: null }
  const reason = `${last.state}${last.reason === '' ? '' : `: ${last.reason}`}`
  return { phase: last.name, outcome: null, reason: reason.slice(0, 500) }
}

/** The rows of the phases; one that runs has no end and no outcome yet. */
function phasesOf({ phases, startedAt, expected }: DrainRecord): readonly object[] {
  return phases.map(({ name, state, reason, tookMs, began = startedAt }) => {
    const runs = state === 'running'
    const end = { took_ms: runs ? null : tookMs, outcome: runs ? null : state }
    return { phase: name, began, expected_ms: expected?.[name] ?? null, reason, ...end }
  })
}

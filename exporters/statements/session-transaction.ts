// What of a session's past statements holds for the next one: its transaction, the distributed one, and the setting for the trace context.
import type { SessionCommand } from './session-commands.ts'
import type { TraceContext } from './statement.ts'

/** Savepoints in a transaction; of more what they would bring back is not known, and nothing is told. */
const mostSavepoints = 64

/** The setting at a savepoint: for the session, and for the transaction, which goes before where it is not null. */
interface Held {
  readonly savepoint: string
  readonly session: TraceContext | undefined
  readonly local: TraceContext | undefined | null
}
const nothing: Held = { savepoint: '', session: undefined, local: null }

/** The transaction of one session, as its statements tell. */
export class SessionTransaction {
  isOpen = false
  /** The distributed one, by assign_distributed_transaction_id. */
  distributed: string | undefined
  #failed = false
  /** The bottom is what was there before the transaction; each savepoint has its own above. */
  #held: Held[] = [nothing]

  /** What the setting holds. */
  get setting(): TraceContext | undefined {
    const { session, local } = this.#top
    return local === null ? session : local
  }

  get #top(): Held {
    return this.#held.at(-1) ?? nothing
  }

  /** A statement did this; what the setting held meanwhile, also where the statement ended its transaction. */
  apply(commands: readonly SessionCommand[]): TraceContext | undefined {
    let meanwhile = this.setting
    for (const command of commands) {
      this.#one(command)
      if (command.does === 'set' || command.does === 'set local') meanwhile = command.context
    }
    return meanwhile
  }

  /** A statement that would have done this failed: of a string of statements only what began is there. */
  fail(commands: readonly SessionCommand[]): void {
    if (commands[0]?.does === 'begin') this.#one(commands[0])
    if (commands.some(({ does }) => does === 'commit' || does === 'prepare')) this.#end(this.#held[0])
    // PostgreSQL rolls a transaction back that failed, whatever the application says.
    this.#failed = this.isOpen
  }

  #one(command: SessionCommand): void {
    const top = this.#top
    if (command.does === 'begin') {
      if (!this.isOpen) this.#held = [top, { ...top, savepoint: '' }]
      this.isOpen = true
    } else if (command.does === 'commit' || command.does === 'prepare') this.#end(this.#failed ? this.#held[0] : top)
    else if (command.does === 'rollback') this.#end(this.#held[0])
    else if (command.does === 'assign') this.distributed = command.transaction
    else if (command.does === 'set local') {
      if (this.isOpen) this.#set({ ...top, local: command.context })
    } else if (command.does === 'set') this.#set({ ...top, session: command.context, local: null })
    else if (command.does === 'savepoint') this.#save(command.name)
    else if (command.does === 'release' || command.does === 'rollback to') this.#back(command.does, command.name)
  }

  #set(held: Held): void {
    this.#held[this.#held.length - 1] = held
  }

  #end(held: Held | undefined): void {
    this.#held = [{ ...nothing, session: held?.session }]
    this.isOpen = this.#failed = false
    this.distributed = undefined
  }

  #save(savepoint: string): void {
    if (!this.isOpen) return
    if (this.#held.length > mostSavepoints) this.#held = [this.#held[0] ?? nothing, nothing]
    // What is under the new one stays as it was at the savepoint.
    this.#held.push({ ...this.#top, savepoint })
  }

  #back(does: 'release' | 'rollback to', name: string): void {
    const at = this.#held.findLastIndex(({ savepoint }, index) => index > 1 && savepoint === name)
    if (at < 0) return
    const before = this.#held[at - 1] ?? nothing
    if (does === 'release') this.#held.splice(at - 1, Infinity, { ...this.#top, savepoint: before.savepoint })
    else {
      this.#held.splice(at, Infinity, { ...before, savepoint: name })
      this.#failed = false
    }
  }
}

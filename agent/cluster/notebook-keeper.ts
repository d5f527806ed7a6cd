// The notebook as this process knows it: read once a run of the server, written when a verification brings something new.
import type { ClusterNode } from '../../probes/citus/nodes.ts'
import { reasonOf } from '../errors.ts'
import type { Report } from '../events.ts'
import type { Clock } from '../loop/clock.ts'
import type { Bounds, Session } from '../pg/session.ts'
import type { JoinFacts } from './facts.ts'
import { readNotebook, verificationOf, writeVerification } from './notebook.ts'
import type { Notebook } from './notebook.ts'

/** A verification is written down at most this often while nothing in it changes, milliseconds. */
const noteEvery = 60_000

export interface NotebookKeeperOptions {
  readonly clock: Clock
  /** Held session on the local server. */
  readonly local: Session
  readonly report: Report
}

export class NotebookKeeper {
  readonly #options: NotebookKeeperOptions
  #notebook: Notebook | undefined
  #notedAt = 0

  constructor(options: NotebookKeeperOptions) {
    this.#options = options
  }

  /** As last read or written; undefined when it has to be read again. */
  get current(): Notebook | undefined {
    return this.#notebook
  }

  forget(): void {
    this.#notebook = undefined
  }

  /** Reads it. @throws as readNotebook does. */
  async read(bounds: Bounds): Promise<Notebook> {
    this.#notebook = undefined
    this.#notebook = await readNotebook(this.#options.local.sql(bounds))
    return this.#notebook
  }

  /** Writes down that the coordinator confirmed this node; returns whether it brought anything new. Never throws. */
  async note(facts: JoinFacts, node: ClusterNode, verifiedAt: number, bounds: Bounds): Promise<boolean> {
    const { clock, local, report } = this.#options
    const { notebook } = facts
    const entry = verificationOf(facts, node, verifiedAt)
    const same =
      notebook.verifiedAt !== undefined &&
      notebook.nodeId === entry.nodeId &&
      notebook.timeline === entry.timeline &&
      notebook.name === entry.name
    if (same && clock.now() < this.#notedAt + noteEvery) return false
    try {
      await writeVerification(local.sql(bounds), entry)
    } catch (error) {
      report('notebook.failed', { reason: reasonOf(error) })
      return false
    }
    this.#notebook = { ...notebook, ...entry }
    this.#notedAt = clock.now()
    return !same
  }
}

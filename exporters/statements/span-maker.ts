// Statements -> spans: which are told, under what, and what waits to be sent; never more of it than fits.
import { hash } from 'node:crypto'
import { clampInto } from './clamp-into.ts'
import { durationBucket } from './figures.ts'
import type { LastTold, SpanFigures, StatementKind, ToldStatement } from './figures.ts'
import type { Link } from './link.ts'
import type { StatementIds } from './link-store.ts'
import type { Sampled, Sampling } from './sampling.ts'
import { commandSpan, serverSpan } from './server-span.ts'
import type { ServerSpan, SpanIds, Standing } from './server-span.ts'
import { durationOf } from './shape-tally.ts'
import type { Shape, Statement } from './statement.ts'
import { ownCommands } from './stray.ts'

/** Of a statement so many commands have spans; a statement may have one for each of thousands of shards. */
const mostCommands = 100
/** Spans that wait to be sent. */
const mostWaiting = 4_096

export interface SpanMakerOptions {
  readonly sampling: Sampling
  readonly address: Standing['address']
  /** The shape of a text that Citus sent for a statement. */
  readonly shapeOf: (text: string) => Shape
  /** The global number of a backend of this node; undefined before the node has a number. */
  readonly gpidOf: (pid: number) => string | undefined
  readonly now: () => number
}

/** Makes spans of what it is given, until they are taken. */
export class SpanMaker {
  readonly #options: SpanMakerOptions
  #waiting: ServerSpan[] = []
  readonly #lastTold = new Map<StatementKind, (ToldStatement | undefined)[]>()
  #made = 0
  #overflowed = 0

  constructor(options: SpanMakerOptions) {
    this.#options = options
  }

  get figures(): SpanFigures {
    return { made: this.#made, dropped: { capped: this.#options.sampling.capped, queue: this.#overflowed } }
  }

  /** The last spans of statements of this kind, by how long those took. */
  lastTold(kind: StatementKind): LastTold {
    return [...(this.#lastTold.get(kind) ?? [])]
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0
  }

  /** Whether so many wait that those of one more portion of the log may find no room. */
  get isHalfFull(): boolean {
    return this.#waiting.length >= mostWaiting / 2
  }

  /** The spans that wait, at most so many. */
  take(most: number): readonly ServerSpan[] {
    return this.#waiting.splice(0, most)
  }

  /** Tells of a client's statement where that is to be told, and returns what its tasks on other nodes need to become part of the trace. */
  ofClient(statement: Statement, shape: Shape): StatementIds {
    const { sampling, now, gpidOf } = this.#options
    const commands = ownCommands(statement)
    const told = commands.slice(0, mostCommands)
    const sampled = sampling.of({ ...statement, commands: told }, now())
    if (sampled === undefined) {
      // The caller's own trace, which tells its tasks that nothing of it is told here.
      return { ...this.#idsOf(statement, statement.context?.traceId), sampled: false, commandSpans: [] }
    }
    const ids = this.#idsOf(statement, sampled.parent?.traceId)
    const commandSpans = statement.commands.map((command, nth) =>
      told.includes(command) ? this.#idsOf(statement, ids.traceId, nth).spanId : undefined,
    )
    const own = { ...statement, commands }
    this.#tell(own, shape, this.#standing(ids, sampled, gpidOf(statement.record.pid)))
    for (const [nth, command] of told.entries()) {
      const spanId = commandSpans[statement.commands.indexOf(command)] ?? ids.spanId
      this.#add(commandSpan(statement, nth, command, this.#options.shapeOf(command.text), spanId, ids))
    }
    return { ...ids, sampled: true, commandSpans }
  }

  /** Tells of a task whose parent is known; `at`: its times in the initiator's clock. */
  ofLinked(statement: Statement, shape: Shape, link: Link, at: Pick<Link, 'startedAt' | 'endedAt'>): void {
    const sampled = this.#options.sampling.under(link, 0, this.#options.now())
    if (sampled === undefined) return
    const ids = this.#idsOf(statement, link.traceId)
    const within = clampInto(link, at)
    this.#tell(statement, shape, { ...this.#standing(ids, sampled, statement.gpid), link: link.method, within })
  }

  /** Tells of a task whose parent nobody knows: under the caller it names itself, or alone where it was slow or failed. */
  ofUnlinked(statement: Statement, shape: Shape): void {
    const { sampling, now } = this.#options
    const { context, gpid } = statement
    const under = context === undefined ? undefined : sampling.under(context, 0, now())
    const sampled = under ?? sampling.alone(statement, now())
    if (sampled === undefined) return
    const ids = this.#idsOf(statement, sampled.parent?.traceId)
    this.#tell(statement, shape, { ...this.#standing(ids, sampled, gpid), link: 'unresolved' })
  }

  /** The same whenever a line is read: whoever is told of a statement twice, because its reader was killed meanwhile, sees that it is one. */
  #idsOf({ record, endedAt }: Statement, traceId?: string, command?: number): SpanIds {
    const { host, port } = this.#options.address
    const digest = hash('sha256', `${host}:${port} ${record.session} ${record.line} ${endedAt} ${command ?? ''}`)
    return { traceId: traceId ?? digest.slice(16, 48), spanId: digest.slice(0, 16) }
  }

  #standing(ids: Standing['ids'], sampled: Sampled, gpid: string | undefined): Standing {
    return { ids, sampled, address: this.#options.address, gpid }
  }

  #tell(statement: Statement, shape: Shape, standing: Standing): void {
    const isTold = this.#add(serverSpan(statement, shape, standing))
    const ms = durationOf(statement)
    if (!isTold || ms === undefined) return
    const { kind, endedAt: at } = statement
    const seconds = ms / 1_000
    const last = this.#lastTold.get(kind) ?? []
    last[durationBucket(seconds)] = { ...standing.ids, seconds, at }
    this.#lastTold.set(kind, last)
  }

  /** Whether there was room. */
  #add(span: ServerSpan): boolean {
    if (this.#waiting.length >= mostWaiting) {
      this.#overflowed += 1
      return false
    }
    this.#made += 1
    this.#waiting.push(span)
    return true
  }
}

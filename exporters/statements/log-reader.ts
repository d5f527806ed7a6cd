// PostgreSQL's log from its lines to what is told of it: lines -> records -> statements -> counts and, where they are wanted, spans.
import { Assembler } from './assembler.ts'
import type { StatementFigures } from './figures.ts'
import { LogFollower } from './follow.ts'
import type { Batch, FollowerOptions } from './follow.ts'
import type { AskBatch, LinkAnswer } from './link.ts'
import { LogRecords } from './log-records.ts'
import { QuerySpans } from './query-spans.ts'
import type { QuerySpansOptions, Surroundings } from './query-spans.ts'
import type { ServerSpan } from './server-span.ts'
import { shaper } from './shape.ts'
import { sleep } from '../../probes/sleep.ts'
import { ShapeStatistics } from './shape-statistics.ts'
import type { Statement } from './statement.ts'
import type { TopCounts, TopQuery } from './top-report.ts'

export interface LogReaderOptions {
  /** Where the server writes, and the file that has how far was read. */
  readonly folder: string
  readonly record: string
  /** The parameter in which applications put their trace context. */
  readonly parameter: string
  /** undefined where no spans are wanted. */
  readonly spans: (QuerySpansOptions & Pick<FollowerOptions, 'repeat'>) | undefined
}

/** PostgreSQL's collector of the log writes so much later than a backend has said something, on a machine that is busy, milliseconds. */
const collected = 500
/** Until there may be room for more spans, milliseconds. */
const takenEvery = 5

/** What only the process around the reader knows, as far as it knows it. */
export interface Whereabouts {
  /** Citus' id of this node. */
  readonly nodeId?: string | undefined
  /** Addresses of the sidecars of all nodes, by their ids. */
  readonly addresses?: ReadonlyMap<string, string>
  /** Ids of shards by their tables, with commas between: there may be hundreds of thousands, and who tells them has other things to do. */
  readonly shards?: readonly (readonly [table: string, ids: string])[]
}

/** What is told from time to time. */
export interface ReaderNews {
  readonly spans: readonly ServerSpan[]
  readonly figures: StatementFigures
  /** Whether there is any jsonlog. */
  readonly jsonlog: boolean
  /** What cannot be read, and why. */
  readonly troubles: readonly string[]
}

/** Clocks, chance and the network. */
export interface ReaderWorld extends Pick<Surroundings, 'clock' | 'random' | 'request'> {
  /** Milliseconds from whenever; it never goes back. */
  elapsed(): number
}

export class LogReader {
  readonly #world: ReaderWorld
  readonly #follower: LogFollower
  readonly #records = new LogRecords()
  readonly #assembler: Assembler
  #shapeOf = shaper(() => undefined)
  readonly #statistics: ShapeStatistics
  readonly #spans: QuerySpans | undefined
  readonly #statements: Record<Statement['kind'], number> = { client: 0, task: 0, internal: 0 }
  #nodeId: string | undefined
  #addresses: ReadonlyMap<string, string> = new Map()
  #lost = 0
  /** Lines are missing before the next record. */
  #gap = false

  constructor({ folder, record, parameter, spans }: LogReaderOptions, world: ReaderWorld) {
    this.#world = world
    this.#follower = new LogFollower({ folder, record, now: () => world.elapsed(), repeat: spans?.repeat ?? 0 })
    this.#assembler = new Assembler({ setting: parameter })
    this.#statistics = new ShapeStatistics(() => world.clock.now())
    this.#spans =
      spans &&
      new QuerySpans(spans, {
        ...world,
        shapeOf: (statement) => this.#shapeOf(statement),
        nodeId: () => this.#nodeId,
        addresses: () => this.#addresses,
        running: (pid) => this.#assembler.running(pid),
      })
  }

  /** Takes what is known now; what is left out stays as it was. */
  know({ nodeId, addresses, shards }: Whereabouts): void {
    this.#nodeId = nodeId ?? this.#nodeId
    this.#addresses = addresses ?? this.#addresses
    if (shards === undefined) return
    const tables = new Map(shards.flatMap(([table, ids]) => ids.split(',').map((id) => [id, table] as const)))
    // A new one: it remembers shapes, and those of new shards have names of shards.
    this.#shapeOf = shaper((id) => tables.get(id))
  }

  /** Reads until the signal aborts; `onRead` is called when all that was there has been read, or more than is to wait. @throws what nobody expects. */
  async run(onRead: () => void, signal: AbortSignal): Promise<void> {
    const asking = this.#spans?.run(signal)
    await this.#follower.run(
      async (batch) => {
        this.#take(batch)
        // Who catches up reads faster than anybody takes; what is not read yet waits in its file.
        for (; this.#spans?.isHalfFull === true && !signal.aborted; await sleep(takenEvery, signal)) onRead()
      },
      signal,
      () => {
        const upTo = this.#world.clock.now() - (this.#world.elapsed() - this.#follower.figures.readUpTo) - collected
        this.#add(this.#assembler.flush(upTo))
        this.#spans?.read(upTo)
        onRead()
      },
    )
    await asking
    this.#add(this.#assembler.flush(Infinity))
    this.#spans?.end()
  }

  #take(batch: Batch): void {
    const records = this.#records.read(batch)
    const [first, last] = [records[0], records.at(-1)]
    this.#gap ||= batch.gap
    for (const record of records) this.#add(this.#assembler.push(record))
    const { sessions, commands } = this.#assembler.losses
    const lost = sessions + commands + batch.lines.length - records.length
    // Who is missing lines calls no link exact; also where all that was read is missing.
    if (last === undefined) this.#gap ||= batch.lines.length > 0
    else if (lost > this.#lost) this.#spans?.lost(last.at)
    else if (this.#gap && first !== undefined) this.#spans?.lost(first.at)
    if (last !== undefined) this.#gap = false
    this.#lost = sessions + commands
  }

  #add(statements: readonly Statement[]): void {
    for (const statement of statements) {
      const shape = this.#shapeOf(statement)
      this.#statements[statement.kind] += 1
      this.#statistics.add(statement, shape)
      this.#spans?.add(statement, shape)
    }
  }

  top(query: TopQuery): TopCounts {
    return this.#statistics.top(query)
  }

  /** The parents of tasks of another node. @throws where no spans are made. */
  links(batch: AskBatch): readonly LinkAnswer[] {
    if (this.#spans === undefined) throw new Error('no spans are made of queries here')
    return this.#spans.links(batch)
  }

  /** What there is to tell, with at most so many spans. */
  news(mostSpans: number): ReaderNews {
    const { lines, droppedBytes, files, troubles } = this.#follower.figures
    const reader = {
      lines,
      malformed: Object.fromEntries(this.#records.refused),
      skippedBytes: droppedBytes,
      statements: { ...this.#statements },
      restarts: 0,
    }
    const { shapes, durations } = this.#statistics.figures()
    const told = durations.map((one) => ({ ...one, lastTold: this.#spans?.lastTold(one.kind) }))
    return {
      spans: this.take(mostSpans),
      figures: { shapes, durations: told, reader, ...this.#spans?.figures },
      jsonlog: files > 0,
      troubles,
    }
  }

  /** The spans that wait, at most so many. */
  take(mostSpans: number): readonly ServerSpan[] {
    return this.#spans?.take(mostSpans) ?? []
  }

  /** Whether spans wait to be told. */
  get hasSpans(): boolean {
    return this.#spans?.hasWaiting === true
  }
}

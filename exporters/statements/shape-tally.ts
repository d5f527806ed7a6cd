// What is counted of the statements of one shape.
import { DurationSketch } from './duration-sketch.ts'
import type { Shape, Statement } from './statement.ts'
import { ownCommands } from './stray.ts'
import type { ShapeNumbers } from './top-report.ts'
import { WordCounts } from './word-counts.ts'

/** SQLSTATEs and shards that a shape tells by themselves. */
const mostCodes = 5
const mostShards = 8

/** How long a statement took, milliseconds; undefined where nobody knows when it began. */
export function durationOf({ startedAt, endedAt, startEstimated }: Statement): number | undefined {
  return startEstimated ? undefined : Math.max(0, endedAt - startedAt)
}

export class ShapeTally {
  count = 0
  failed = 0
  /** Statements of which it is known how long they took. */
  timed = 0
  totalMs = 0
  #maxMs = 0
  /** Of which a command went to another node. */
  #distributed = 0
  #tasks = 0
  readonly #durations = new DurationSketch()
  readonly #codes = new WordCounts(mostCodes)
  readonly #shards = new WordCounts(mostShards)

  add(statement: Statement, { shards }: Pick<Shape, 'shards'>): void {
    const { failed } = statement
    const commands = ownCommands(statement)
    const ms = durationOf(statement)
    this.count += 1
    if (ms !== undefined) {
      this.timed += 1
      this.totalMs += ms
      if (ms > this.#maxMs) this.#maxMs = ms
      this.#durations.add(ms)
    }
    if (failed !== undefined) {
      this.failed += 1
      this.#codes.add(failed)
    }
    if (commands.length > 0) {
      this.#tasks += commands.length
      if (commands.some(({ server }) => server !== undefined)) this.#distributed += 1
    }
    for (const shard of shards) this.#shards.add(shard)
  }

  merge(other: ShapeTally): void {
    this.count += other.count
    this.failed += other.failed
    this.timed += other.timed
    this.totalMs += other.totalMs
    this.#maxMs = Math.max(this.#maxMs, other.#maxMs)
    this.#distributed += other.#distributed
    this.#tasks += other.#tasks
    this.#durations.merge(other.#durations)
    this.#codes.merge(other.#codes)
    this.#shards.merge(other.#shards)
  }

  /** Milliseconds; undefined where no duration is known. */
  get meanMs(): number | undefined {
    return this.timed === 0 ? undefined : this.totalMs / this.timed
  }

  get p95Ms(): number | undefined {
    const found = this.#durations.quantile(0.95)
    return found === undefined ? undefined : Math.min(found, this.#maxMs)
  }

  numbers(): ShapeNumbers {
    return {
      count: this.count,
      errors: this.failed,
      codes: this.#codes.toJSON(),
      totalMs: this.totalMs,
      meanMs: this.meanMs ?? null,
      p95Ms: this.p95Ms ?? null,
      maxMs: this.timed === 0 ? null : this.#maxMs,
      distributed: this.#distributed,
      tasks: this.#tasks,
      shards: this.#shards.toJSON(),
    }
  }
}

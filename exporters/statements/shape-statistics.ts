// All that is counted of statements in the thread that reads the log: the last hour for `citus-sidecar top`, and counters for Prometheus.
import type { StatementFigures, StatementKind } from './figures.ts'
import { ShapeCounters } from './shape-counters.ts'
import { ShapeWindow } from './shape-window.ts'
import type { Shape, Statement } from './statement.ts'
import { topKinds } from './top-report.ts'
import type { TopCounts, TopQuery } from './top-report.ts'

/** How long seats are kept at least, milliseconds. */
const seatedFor = 60_000

export class ShapeStatistics {
  readonly #now: () => number
  #seatedAt = Number.NEGATIVE_INFINITY
  readonly #window: ShapeWindow
  /** Of Citus' upkeep no shape is told by itself. */
  readonly #counters: Readonly<Record<StatementKind, ShapeCounters>> = {
    client: new ShapeCounters('client'),
    task: new ShapeCounters('task'),
    internal: new ShapeCounters('internal', 0),
  }

  /** `now` is the clock, milliseconds since 1970. */
  constructor(now: () => number) {
    this.#now = now
    this.#window = new ShapeWindow(now)
  }

  add(statement: Statement, shape: Shape): void {
    this.#window.add(statement, shape)
    this.#counters[statement.kind].add(statement, shape)
  }

  top(query: TopQuery): TopCounts {
    return this.#window.top(query)
  }

  /** What Prometheus is told; may be asked for at any time, for seats change hands once a minute. */
  figures(): Pick<StatementFigures, 'shapes' | 'durations'> {
    this.#seat()
    return {
      shapes: Object.values(this.#counters).flatMap(({ shapes }) => shapes),
      durations: topKinds.map((kind) => this.#counters[kind].durations),
    }
  }

  #seat(): void {
    const now = this.#now()
    if (Math.abs(now - this.#seatedAt) < seatedFor) return
    this.#seatedAt = now
    for (const kind of topKinds) this.#counters[kind].seat(this.#window.heaviest(kind))
  }
}

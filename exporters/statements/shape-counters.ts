// Counters of statements that Prometheus keeps: the heaviest shapes by themselves, the rest as `other`. What a shape did before it had a seat
// stays in `other` and what it did with one stays with it, so that no counter ever jumps and increases add up.
import { SeriesBudget } from '../../probes/series-budget.ts'
import { durationBounds, durationBucket } from './figures.ts'
import type { DurationFigures, ShapeFigures, StatementKind } from './figures.ts'
import { faceOf } from './shape-seats.ts'
import type { Face } from './shape-seats.ts'
import { durationOf } from './shape-tally.ts'
import type { Shape, Statement } from './statement.ts'
import { ownCommands } from './stray.ts'

/** Shapes of each kind that are told by themselves. */
const mostShapes = 50

type Counter = { -readonly [K in keyof ShapeFigures]: ShapeFigures[K] }

function counterOf(kind: StatementKind, shape: string, summary: string): Counter {
  return { kind, shape, summary, count: 0, seconds: 0, errors: 0, tasks: undefined }
}

/** Counters of the statements of one kind. */
export class ShapeCounters {
  readonly #kind: StatementKind
  readonly #most: number
  readonly #budget: SeriesBudget
  readonly #seats = new Map<string, Counter>()
  readonly #other: Counter
  readonly #counts = Array.from({ length: durationBounds.length + 1 }, () => 0)
  #seconds = 0

  /** At most `most` shapes have a counter of their own. */
  constructor(kind: StatementKind, most = mostShapes) {
    this.#kind = kind
    this.#most = most
    this.#budget = new SeriesBudget(most)
    this.#other = counterOf(kind, 'other', 'other')
  }

  add(statement: Statement, shape: Shape): void {
    const counter =
      this.#seats.get(shape.id) ?? (this.#seats.size < this.#most ? this.#take(faceOf(shape)) : this.#other)
    const ms = durationOf(statement)
    counter.count += 1
    if (statement.failed !== undefined) counter.errors += 1
    const { length: tasks } = ownCommands(statement)
    if (tasks > 0) counter.tasks = (counter.tasks ?? 0) + tasks
    if (ms === undefined) return
    const seconds = ms / 1_000
    counter.seconds += seconds
    this.#seconds += seconds
    const bucket = durationBucket(seconds)
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
  }

  /** Gives the seats to the heaviest of these shapes, which come heaviest first; those that are not among them keep theirs while there is room. */
  seat(heaviest: readonly Face[]): void {
    const told = this.#budget.seat([...new Set([...heaviest.map(({ id }) => id), ...this.#seats.keys()])])
    for (const id of this.#seats.keys()) if (!told.has(id)) this.#seats.delete(id)
    // At zero, so that nothing of what it does is lost to who looks at increases.
    for (const face of heaviest) if (told.has(face.id) && !this.#seats.has(face.id)) this.#take(face)
  }

  get shapes(): readonly ShapeFigures[] {
    return [...this.#seats.values(), this.#other].map((counter) => ({ ...counter }))
  }

  get durations(): DurationFigures {
    return { kind: this.#kind, counts: [...this.#counts], seconds: this.#seconds }
  }

  #take({ id, summary }: Face): Counter {
    const counter = counterOf(this.#kind, id, summary)
    this.#seats.set(id, counter)
    return counter
  }
}

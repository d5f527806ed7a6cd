// Statements of the last hour by shape, minute by minute. Bounded: of each kind the minute that goes on has 200 shapes by themselves, one that is
// over 50, the rest are one; all share the texts. That is some 8 MB where every minute has that many shapes, and 30 MB at the very worst.
import { ShapeSeats } from './shape-seats.ts'
import type { Face } from './shape-seats.ts'
import { ShapeTally } from './shape-tally.ts'
import type { Shape, Statement } from './statement.ts'
import { mostMinutes } from './top-report.ts'
import type { TopCounts, TopKind, TopOrder, TopQuery } from './top-report.ts'

const minuteMs = 60_000
const mostShapes = 200
const mostShapesLater = 50

/** What a shape comes first by. */
const orders: Readonly<Record<TopOrder, (tally: ShapeTally) => number>> = {
  total: ({ totalMs }) => totalMs,
  mean: ({ meanMs }) => meanMs ?? 0,
  p95: ({ p95Ms }) => p95Ms ?? 0,
  count: ({ count }) => count,
  errors: ({ failed }) => failed,
}

interface Minute {
  readonly number: number
  readonly seats: Readonly<Record<TopKind, ShapeSeats>>
  readonly ended?: true
}

/** Counts what clients and Citus' tasks do; what Citus does for itself is nobody's statement. */
export class ShapeWindow {
  readonly #now: () => number
  /** Since when statements are counted: this began, or an earlier one ended that it was told of. */
  #from: number
  /** Those that may be asked, and the one that goes on; by their numbers since 1970. */
  readonly #ring: (Minute | undefined)[] = Array.from({ length: mostMinutes + 1 })

  /** `now` is the clock, milliseconds since 1970. */
  constructor(now: () => number) {
    this.#now = now
    this.#from = now()
  }

  /** Counts it in the minute in which it ended, unless that is longer ago than anybody may ask. */
  add(statement: Statement, shape: Shape): void {
    const { kind, endedAt } = statement
    if (kind === 'internal') return
    const now = this.#now()
    const at = Math.min(endedAt, now)
    const minute = this.#minute(minuteOf(at), minuteOf(now))
    if (minute === undefined) return
    this.#from = Math.min(this.#from, at)
    minute.seats[kind].add(statement, shape, this.#ring[slot(minute.number - 1)]?.seats[kind])
  }

  top(query: TopQuery): TopCounts {
    const to = this.#now()
    const minutes = this.#since(minuteOf(to) - query.minutes)
    const other = new ShapeTally()
    const all = new ShapeTally()
    const found = new Map<string, { readonly face: Face; readonly tally: ShapeTally }>()
    for (const { seats } of minutes) {
      const ofKind = seats[query.kind]
      other.merge(ofKind.other)
      for (const { face, tally } of ofKind.seats) {
        const sum = found.get(face.id) ?? { face, tally: new ShapeTally() }
        found.set(face.id, sum)
        sum.tally.merge(tally)
      }
    }
    all.merge(other)
    for (const { tally } of found.values()) all.merge(tally)
    const ranked = [...found.values()]
      .map((one) => ({ ...one, by: orders[query.by](one.tally) }))
      .toSorted((a, b) => b.by - a.by || b.tally.totalMs - a.tally.totalMs)
    for (const { tally } of ranked.slice(query.limit)) other.merge(tally)
    return {
      ...query,
      from: Math.max(this.#from, (minuteOf(to) - query.minutes) * minuteMs),
      to,
      shapes: ranked.slice(0, query.limit).map(({ face, tally }) => ({ ...face, ...tally.numbers() })),
      other: other.numbers(),
      all: all.numbers(),
    }
  }

  /** The shapes of the last hour, heaviest first. */
  heaviest(kind: TopKind): readonly Face[] {
    const found = new Map<string, { readonly face: Face; weight: number }>()
    for (const { seats } of this.#since(minuteOf(this.#now()) - mostMinutes))
      for (const seat of seats[kind].seats) {
        const { face } = seat
        const sum = found.get(face.id) ?? { face, weight: 0 }
        found.set(face.id, sum)
        sum.weight += seats[kind].weightOf(seat)
      }
    return [...found.values()].toSorted((a, b) => b.weight - a.weight).map(({ face }) => face)
  }

  #since(first: number): readonly Minute[] {
    return this.#ring.filter((minute) => minute !== undefined && minute.number >= first) as readonly Minute[]
  }

  #minute(number: number, current: number): Minute | undefined {
    if (number < current - mostMinutes) return undefined
    const known = this.#ring[slot(number)]
    if (known?.number === number) return known
    if (number === current) this.#endOthers()
    const begun = { number, seats: ofEachKind(() => new ShapeSeats(number === current ? mostShapes : mostShapesLater)) }
    this.#ring[slot(number)] = begun
    return begun
  }

  #endOthers(): void {
    this.#ring.forEach((minute, at) => {
      if (minute === undefined || minute.ended === true) return
      const seats = ofEachKind((kind) => minute.seats[kind].fewer(mostShapesLater))
      this.#ring[at] = { number: minute.number, seats, ended: true }
    })
  }
}

function ofEachKind(make: (kind: TopKind) => ShapeSeats): Minute['seats'] {
  return { client: make('client'), task: make('task') }
}

function minuteOf(at: number): number {
  return Math.floor(at / minuteMs)
}

function slot(minute: number): number {
  return minute % (mostMinutes + 1)
}

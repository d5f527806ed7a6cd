// The shapes that are told by themselves among any number of them, by the space-saving algorithm of Metwally et al.
// (https://www.cs.ucsb.edu/sites/default/files/documents/2005-23.pdf): one that is new takes the seat, and the weight, of the lightest. So one
// with more than its share of all weight has a seat, however many others come; and what leaves a seat is added to `other`, so that sums are right.
import { copied } from './copied.ts'
import { durationOf, ShapeTally } from './shape-tally.ts'
import type { Shape, Statement } from './statement.ts'

/** What is kept of a shape. */
export type Face = Pick<Shape, 'id' | 'summary' | 'text'>

interface Seat {
  readonly at: number
  readonly face: Face
  readonly tally: ShapeTally
}

/** Characters of a text that are kept. */
const longestText = 500
/** A statement weighs the milliseconds it took and one more, so that frequent ones have weight; a failure as much as a slow one. */
const failureWeight = 100

export class ShapeSeats {
  readonly other = new ShapeTally()
  readonly #byId = new Map<string, Seat>()
  readonly #seats: Seat[] = []
  /** Apart from the seats, because the lightest is looked for with each new shape. */
  readonly #weights: Float64Array

  constructor(most: number) {
    this.#weights = new Float64Array(most)
  }

  /** `known` may have the shape's face already. */
  add(statement: Statement, shape: Shape, known?: ShapeSeats): void {
    const { at, tally } = this.#byId.get(shape.id) ?? this.#take(known?.face(shape.id) ?? faceOf(shape))
    const weight = (durationOf(statement) ?? 0) + (statement.failed === undefined ? 1 : failureWeight)
    this.#weights[at] = (this.#weights[at] ?? 0) + weight
    tally.add(statement, shape)
  }

  face(id: string): Face | undefined {
    return this.#byId.get(id)?.face
  }

  get seats(): readonly Readonly<Seat>[] {
    return this.#seats
  }

  weightOf({ at }: Readonly<Seat>): number {
    return this.#weights[at] ?? 0
  }

  /** The same with fewer seats, which the heaviest have. */
  fewer(most: number): ShapeSeats {
    const kept = new ShapeSeats(most)
    kept.other.merge(this.other)
    for (const { at, face, tally } of this.#seats.toSorted((a, b) => this.weightOf(b) - this.weightOf(a)))
      if (kept.#seats.length < most) {
        kept.#weights[kept.#sit(kept.#seats.length, face, tally).at] = this.#weights[at] ?? 0
      } else kept.other.merge(tally)
    return kept
  }

  #take(face: Face): Seat {
    if (this.#seats.length < this.#weights.length) return this.#sit(this.#seats.length, face, new ShapeTally())
    const at = this.#lightest()
    const before = this.#seats[at]
    if (before !== undefined) {
      this.#byId.delete(before.face.id)
      this.other.merge(before.tally)
    }
    return this.#sit(at, face, new ShapeTally())
  }

  #sit(at: number, face: Face, tally: ShapeTally): Seat {
    const seat = { at, face, tally }
    this.#byId.set(face.id, seat)
    this.#seats[at] = seat
    return seat
  }

  #lightest(): number {
    const weights = this.#weights
    let found = 0
    for (let at = 1; at < weights.length; at += 1) if ((weights[at] ?? 0) < (weights[found] ?? 0)) found = at
    return found
  }
}

/** What is kept of a shape, apart from what it was cut out of. */
export function faceOf({ id, summary, text }: Shape): Face {
  return { id: copied(id), summary: copied(summary), text: copied(text.slice(0, longestText)) }
}

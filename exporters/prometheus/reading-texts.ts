// Families that probes found -> text, written once a reading and not once a scrape.
import { FamilyReading } from '../../probes/collection.ts'
import type { Snapshot } from '../exporter.ts'
import { familyText } from './exposition.ts'
import type { Format } from './exposition.ts'

/** The readings of families that are not too old to be told. */
export function familyReadings({ readings, now }: Snapshot): readonly FamilyReading[] {
  return Object.values(readings).flatMap((reading) => {
    const { value, takenAt = now } = reading?.lastGood ?? {}
    return value instanceof FamilyReading && now - takenAt <= value.keptFor ? [value] : []
  })
}

/** Remembers the text of each reading as long as the reading is there. */
export class ReadingTexts {
  readonly #texts = new WeakMap<FamilyReading, Map<Format, string>>()

  text(snapshot: Snapshot, format: Format): string {
    return familyReadings(snapshot)
      .map((reading) => this.#of(reading, format))
      .join('')
  }

  #of(reading: FamilyReading, format: Format): string {
    const known = this.#texts.get(reading) ?? new Map<Format, string>()
    this.#texts.set(reading, known)
    const text = known.get(format) ?? reading.families.map((family) => familyText(family, format)).join('')
    known.set(format, text)
    return text
  }
}

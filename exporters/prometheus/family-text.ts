// Families that probes found -> Prometheus text, written once a reading and not once a scrape
// (https://prometheus.io/docs/instrumenting/exposition_formats/).
import type { Family } from '../../probes/collection.ts'
import type { Snapshot } from '../exporter.ts'

/** What is older is not told any more, milliseconds: a number that stands still looks as if all were well. */
const oldest = 300_000

/** The families that are known now, and since when. */
export function familiesOf({ readings, now }: Snapshot): readonly (readonly Family[])[] {
  return Object.values(readings).flatMap(({ lastGood }) =>
    lastGood !== undefined && isFamilies(lastGood.value) && now - lastGood.takenAt <= oldest ? [lastGood.value] : [],
  )
}

function isFamilies(value: unknown): value is readonly Family[] {
  return (
    Array.isArray(value) && value.length > 0 && typeof value[0] === 'object' && value[0] !== null && 'spec' in value[0]
  )
}

/** Remembers the text of each reading as long as the reading is there. */
export class FamilyTexts {
  readonly #texts = new WeakMap<readonly Family[], string>()

  text(snapshot: Snapshot): string {
    return familiesOf(snapshot)
      .map((families) => {
        const known = this.#texts.get(families)
        if (known !== undefined) return known
        const text = families.map(familyText).join('')
        this.#texts.set(families, text)
        return text
      })
      .join('')
  }
}

/** One family; empty without samples, for then there is nothing to tell. */
export function familyText({ spec: { name, help, type }, samples }: Family): string {
  if (samples.length === 0) return ''
  const lines = samples.map(({ labels, value }) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escape(text)}"`)
    return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${numberText(value)}\n`
  })
  return `\n# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n${lines.join('')}`
}

function escape(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
}

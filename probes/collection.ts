// A probe whose reading is nothing but samples: one query, and which of its columns become which metric families.
import type { NodeFacts, Probe, ProbeLimits, ProbeName, ReadingTypes } from './probe.ts'

/** One metric family and the column that has its values; names are API (docs/metrics.md). */
export interface FamilySpec {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  /** Columns of the query. */
  readonly labels: readonly string[]
  /** Column of the query; a row without a value in it is no sample. */
  readonly value: string
}

export interface FamilySample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** A family as it was found. */
export interface Family {
  readonly spec: FamilySpec
  readonly samples: readonly FamilySample[]
  /** Samples that were left out: above the limit of a family, twice there, or no number. */
  readonly dropped: number
}

/** What such a probe reads. */
export type Families = readonly Family[]

/** Names of the probes that read families. */
export type CollectionName = { [N in ProbeName]: ReadingTypes[N] extends Families ? N : never }[ProbeName]

export interface Collection<N extends CollectionName = CollectionName> {
  readonly name: N
  readonly help: string
  readonly interval: number
  /** Why it is not asked on such a node; everywhere where left out. */
  readonly skip?: (facts: NodeFacts) => string | undefined
  /** The most important rows first: what is above the limit of a family is left out. */
  readonly sql: (facts: NodeFacts) => string
  readonly families: readonly FamilySpec[]
}

/** Series of one family at most. */
const longest = 2_000

type Row = Readonly<Record<string, string | number | null>>

/** Rows of the query -> families; a bad row costs its own sample and is counted. */
export function toFamilies(specs: readonly FamilySpec[], rows: readonly Row[]): Families {
  return specs.map((spec) => {
    const samples = new Map<string, FamilySample>()
    let dropped = 0
    for (const row of rows) {
      const found = row[spec.value]
      if (found === null || found === undefined) continue
      const value = Number(found)
      const labels = Object.fromEntries(spec.labels.map((label) => [label, String(row[label] ?? '')]))
      const key = JSON.stringify(labels)
      if (samples.has(key) || samples.size >= longest || Number.isNaN(value)) dropped += 1
      else samples.set(key, { labels, value })
    }
    return { spec, samples: [...samples.values()], dropped }
  })
}

/** The server gives a statement up before we would give up the connection, on which others ask, too; milliseconds. */
const margin = 1_000

/** The probe of a collection. */
export function collect<N extends CollectionName>(collection: Collection<N>, limits: ProbeLimits): Probe<N> {
  const { name, help, interval, skip = () => undefined, sql, families } = collection
  return {
    name,
    help,
    session: 'probe',
    interval,
    timeout: limits.statementTimeout + margin,
    families,
    skip,
    read: async ({ sql: server, facts }) =>
      toFamilies(families, await server.query<Row>(sql(facts))) as ReadingTypes[N],
  }
}

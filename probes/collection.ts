// A probe whose reading is nothing but samples: where its rows come from, and which of their columns become which metric families.
import { acceptanceOf } from './postgres/acceptance.ts'
import type { CollectionName } from './collections.ts'
import { FileTurns } from './file-turns.ts'
import type { NodeFacts, Probe, ProbeContext, ProbeLimits, QueryName, ReadingTypes, SessionName } from './probe.ts'
import { SeriesBudget } from './series-budget.ts'
import { notAskedOn } from './where.ts'
import type { Where } from './where.ts'

/** One metric family and the column that has its values; names are API (docs/metrics.md). */
export interface FamilySpec {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'unknown'
  /** Columns of the rows. */
  readonly labels: readonly string[]
  /** Column of the rows; a row without a value in it is no sample. */
  readonly value: string
  /** How the rows above the limit become the sample `other`. */
  readonly rest: Rest
}

export type Rest = 'sum' | 'max' | 'min'

export interface FamilySample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** A family as it was found. */
export interface Family {
  readonly spec: FamilySpec
  readonly samples: readonly FamilySample[]
  /** Rows that have no sample of their own: above the limit, twice there, or no number. */
  readonly dropped: number
}

/** What such a probe reads. */
export class FamilyReading {
  readonly families: readonly Family[]
  /** How long it may be told, milliseconds: a number that stands still looks as if all were well. */
  readonly keptFor: number

  constructor(families: readonly Family[], keptFor: number) {
    this.families = families
    this.keptFor = keptFor
  }

  /** In /status a collection is how much it told; what it told is in /metrics. */
  toJSON(): { readonly series: number } {
    return { series: this.families.reduce((sum, { samples }) => sum + samples.length, 0) }
  }
}

export type Value = string | number | null | undefined
export type Row = Readonly<Record<string, Value>>

interface Common<N extends string> {
  readonly name: N
  readonly help: string
  readonly interval: number
  /** Milliseconds it may take; as long as a statement where left out. */
  readonly timeout?: number
  /** What postgres_exporter calls its collector of the same, where it has one. */
  readonly collector?: string
  /** On which nodes it is asked; on all where left out. */
  readonly where?: Where
  readonly families: readonly FamilySpec[]
}

/** Rows of one query, the most important first. */
export interface SqlCollection<N extends string = string> extends Common<N> {
  readonly sql: (facts: NodeFacts) => string
  /** `probe` unless the query may take long, or is a command of PgBouncer's. */
  readonly session?: 'probe' | 'sizes' | 'pgbouncer'
  /** The same in each other database that is to be told of, where no table is distributed; each has a sample `readable` besides. */
  readonly inEvery?: string
  /** What becomes of them before they are told. */
  readonly toRows?: (rows: readonly Row[]) => readonly Row[]
}

/** Families that a query alone does not make: with names that are found, or with a memory. `families` says what they are like. */
export interface FoundCollection<N extends string = string> extends Common<N> {
  /** A reader with a memory of its own. */
  readonly reader: (limits: ProbeLimits) => (context: ProbeContext) => Promise<readonly Family[]>
}

/** Rows that come from elsewhere than the database, most important first. */
export interface HostCollection<N extends string = string> extends Common<N> {
  /** It reads a volume, which may hang. */
  readonly onVolume?: true
  readonly rows: (context: ProbeContext, signal: AbortSignal) => Promise<readonly Row[]>
}

export type Collection<N extends string = string> = SqlCollection<N> | HostCollection<N> | FoundCollection<N>

/** A family whose values go up and down; above the limit the rest is summed up unless told. */
export function gauge(
  name: string,
  help: string,
  value: string,
  labels: readonly string[] = [],
  rest: Rest = 'sum',
): FamilySpec {
  return { name, help, type: 'gauge', labels, value, rest }
}

/** A family that postgres_exporter has without a type. */
export function unknownType(name: string, help: string, value: string, labels: readonly string[] = []): FamilySpec {
  return { name, help, type: 'unknown', labels, value, rest: 'max' }
}

/** A family whose values only grow. */
export function counter(name: string, help: string, value: string, labels: readonly string[] = []): FamilySpec {
  return { name, help, type: 'counter', labels, value, rest: 'sum' }
}

const fold: Readonly<Record<Rest, (a: number, b: number) => number>> = {
  sum: (a, b) => a + b,
  max: (a, b) => Math.max(a, b),
  min: (a, b) => Math.min(a, b),
}

function labelsOf(names: readonly string[], row: Row): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name) => [name, String(row[name] ?? '')]))
}

/** A label that all rows have in common stays. */
function labelsOfRest(names: readonly string[], rows: readonly Row[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    names.map((name) => {
      const [first = '', ...others] = new Set(rows.map((row) => String(row[name] ?? '')))
      return [name, others.length === 0 ? first : 'other']
    }),
  )
}

/** Families with the same labels, which have the same series. */
interface Group {
  readonly labels: readonly string[]
  readonly specs: readonly FamilySpec[]
  readonly budget: SeriesBudget
}

/** Turns rows into families, and remembers which series it told. */
export class FamilyReader {
  readonly #specs: readonly FamilySpec[]
  readonly #groups: readonly Group[]

  /** Of each family at most `limit` series are told, and one more for the rest. */
  constructor(specs: readonly FamilySpec[], limit: number) {
    this.#specs = specs
    this.#groups = [...Map.groupBy(specs, ({ labels }) => labels.join()).values()].map((same) => ({
      labels: same[0]?.labels ?? [],
      specs: same,
      budget: new SeriesBudget(limit),
    }))
  }

  /** A bad row costs its own sample and is counted. */
  read(rows: readonly Row[]): readonly Family[] {
    const found = new Map(this.#groups.flatMap((group) => read(group, rows)).map((family) => [family.spec, family]))
    return this.#specs.flatMap((spec) => found.get(spec) ?? [])
  }
}

function read({ labels: names, specs, budget }: Group, rows: readonly Row[]): readonly Family[] {
  const keyed = rows
    .filter((row) => specs.some(({ value }) => row[value] !== null && row[value] !== undefined))
    .map((row) => ({ row, key: names.map((name) => String(row[name] ?? '')).join('\0') }))
  const seats = budget.seat([...new Set(keyed.map(({ key }) => key))])
  const rest = keyed.filter(({ key }) => !seats.has(key)).map(({ row }) => row)
  const labelsOfKey = new Map(
    keyed.filter(({ key }) => seats.has(key)).map(({ key, row }) => [key, labelsOf(names, row)]),
  )
  const all = keyed.map(({ row }) => row)
  const restLabels = rest.length === 0 ? {} : labelsOfRest(names, all)
  return specs.map((spec) => {
    const samples = new Map<string, FamilySample>()
    let dropped = 0
    for (const { row, key } of keyed) {
      const labels = labelsOfKey.get(key)
      const value = row[spec.value]
      if (value === null || value === undefined || labels === undefined) continue
      if (samples.has(key) || Number.isNaN(Number(value))) dropped += 1
      else samples.set(key, { labels, value: Number(value) })
    }
    const others = rest.map((row) => row[spec.value]).filter((value) => value !== null && value !== undefined)
    const numbers = others.map(Number).filter((value) => !Number.isNaN(value))
    const told = [...samples.values()]
    return {
      spec,
      samples: numbers.length === 0 ? told : [...told, { labels: restLabels, value: numbers.reduce(fold[spec.rest]) }],
      dropped: dropped + others.length,
    }
  })
}

/** The server gives a statement up before we would give up the connection, on which others ask, too; milliseconds. */
const margin = 1_000
/** What is older than so many intervals, and than this many milliseconds, is not told any more. */
const keptIntervals = 3
const keptAtLeast = 300_000
/** One that fails again and again is asked ever more seldom, up to so many times its interval. */
const longestBackoff = 8

function sessionOf(collection: Collection): SessionName {
  if ('rows' in collection) return 'none'
  return 'sql' in collection ? (collection.session ?? 'probe') : 'probe'
}

/** Of the whole process, as its threads are. */
const turns = new FileTurns()

/** The probe of a collection. */
export function collect<N extends CollectionName | QueryName>(
  collection: Collection<N>,
  limits: ProbeLimits,
): Probe<N> {
  const { name, help, interval, where = {}, collector, timeout } = collection
  const wanted = (family: FamilySpec): boolean => limits.pgMetrics || !family.name.startsWith('pg_')
  const families = collection.families.filter(wanted)
  const keptFor = Math.max(keptAtLeast, keptIntervals * interval)
  const find = finderOf(collection, families, limits)
  return {
    name,
    help,
    session: sessionOf(collection),
    interval,
    timeout: timeout ?? limits.statementTimeout + margin,
    // A server that is away costs nothing to be asked, and is to be seen as soon as it is back.
    retry: (error, inARow) =>
      acceptanceOf(error) === 'failed' ? interval * Math.min(2 ** (inARow - 1), longestBackoff) : interval,
    families,
    ...(collector === undefined ? {} : { collector }),
    skip: (facts) => (families.length === 0 ? 'CITUS_SIDECAR_PG_METRICS is off' : notAskedOn(where, facts)),
    read: async (context, signal) =>
      new FamilyReading(
        (await find(context, signal)).filter(({ spec }) => wanted(spec)),
        keptFor,
      ) as ReadingTypes[N],
  }
}

/** How its families are found, with the memory that takes. */
function finderOf(
  collection: Collection,
  families: readonly FamilySpec[],
  limits: ProbeLimits,
): (context: ProbeContext, signal: AbortSignal) => Promise<readonly Family[]> {
  if ('reader' in collection) return collection.reader(limits)
  const reader = new FamilyReader(families, limits.maxSeries)
  return async (context, signal) => reader.read(await rowsOf(collection, context, signal))
}

async function rowsOf(
  collection: SqlCollection | HostCollection,
  context: ProbeContext,
  signal: AbortSignal,
): Promise<readonly Row[]> {
  if ('sql' in collection) {
    const own = await context.sql.query<Row>(collection.sql(context.facts))
    const others = collection.inEvery === undefined ? [] : await context.elsewhere(collection.inEvery)
    const rows = others.flatMap(({ database, rows: found }) => [
      { datname: database, readable: Number(found !== undefined) },
      ...(found ?? []),
    ])
    return collection.toRows?.(own) ?? [...own, ...rows]
  }
  const read = async (): Promise<readonly Row[]> => await collection.rows(context, signal)
  return collection.onVolume === true ? await turns.run(read, signal) : await read()
}

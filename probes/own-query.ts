// A query that the user of this sidecar brings, as a probe: its columns are labels and values of metric families.
import { collect } from './collection.ts'
import type { FamilySpec, Row, Value } from './collection.ts'
import type { NodeFacts, NodeRole, Probe, ProbeLimits, QueryName } from './probe.ts'
import { isInRange } from './version-range.ts'
import type { VersionRange } from './version-range.ts'
import { notAskedOn } from './where.ts'

export interface QueryColumn {
  readonly name: string
  readonly usage: 'label' | 'counter' | 'gauge'
  readonly help: string
}

/** What somebody wants to know, as it was written down; times in milliseconds. */
export interface OwnQuery {
  /** The first part of the names of its families. */
  readonly prefix: string
  readonly text: string
  readonly columns: readonly QueryColumn[]
  readonly interval: number
  /** CITUS_SIDECAR_STATEMENT_TIMEOUT where undefined. */
  readonly timeout: number | undefined
  readonly primaryOnly: boolean
  /** On all where undefined, and likewise below. */
  readonly versions: VersionRange | undefined
  readonly roles: readonly NodeRole[] | undefined
  /** PGDATABASE where undefined. */
  readonly database: string | undefined
}

/** How a query is asked: it takes this many milliseconds on the server at most. */
export type AskQuery = (
  query: OwnQuery,
  timeout: number,
  signal: AbortSignal,
) => Promise<readonly Readonly<Record<string, unknown>>[]>

export function probeNameOf({ prefix }: OwnQuery): QueryName {
  return `query.${prefix}`
}

/** The families that its columns are, in their order. */
export function familiesOf({ prefix, columns }: OwnQuery): readonly FamilySpec[] {
  const labels = columns.filter(({ usage }) => usage === 'label').map(({ name }) => name)
  return columns.flatMap(({ name, usage, help }) =>
    usage === 'label' ? [] : [{ name: `${prefix}_${name}`, help, type: usage, labels, value: name, rest: 'sum' }],
  )
}

function versionText(serverVersionNum: number | undefined): string {
  return serverVersionNum === undefined
    ? 'of unknown version'
    : `${Math.floor(serverVersionNum / 10_000)}.${serverVersionNum % 10_000}`
}

function notFor({ primaryOnly, versions, roles }: OwnQuery, facts: NodeFacts): string | undefined {
  if (roles !== undefined && !roles.includes(facts.role)) return `role ${facts.role}`
  if (versions !== undefined && (facts.version === undefined || !isInRange(versions, facts.version)))
    return `PostgreSQL ${versionText(facts.version)}`
  return primaryOnly ? notAskedOn({ primary: true }, facts) : undefined
}

function labelOf(found: unknown): Value {
  if (found === null || found === undefined) return null
  if (found instanceof Date) return Number.isNaN(found.getTime()) ? null : found.toISOString()
  return typeof found === 'object' ? JSON.stringify(found) : String(found as string | number | boolean | bigint)
}

/** Flags are 0 or 1 and times seconds since 1970; what is no number is counted as dropped, and never a zero. */
function numberOf(found: unknown): Value {
  if (found === null || found === undefined) return null
  if (typeof found === 'boolean') return Number(found)
  if (found instanceof Date) return found.getTime() / 1_000
  return typeof found === 'number' || (typeof found === 'string' && found.trim() !== '') ? found : Number.NaN
}

/** @throws Error that names the columns which are declared and not there. */
function toRow({ columns }: OwnQuery, found: Readonly<Record<string, unknown>>): Row {
  const missing = columns.filter(({ name }) => !Object.hasOwn(found, name)).map(({ name }) => name)
  if (missing.length > 0)
    throw new Error(
      `the result has no column ${missing.join(', ')}, which the file declares; it has ${Object.keys(found).join(', ')}`,
    )
  return Object.fromEntries(
    columns.map(({ name, usage }) => [name, usage === 'label' ? labelOf(found[name]) : numberOf(found[name])]),
  )
}

/** The probe of a query. */
export function queryProbe(query: OwnQuery, limits: ProbeLimits, ask: AskQuery): Probe<QueryName> {
  const timeout = query.timeout ?? limits.statementTimeout
  const probe = collect(
    {
      name: probeNameOf(query),
      help: 'A query of the user.',
      interval: query.interval,
      families: familiesOf(query),
      rows: async (_context, signal) => (await ask(query, timeout, signal)).map((found) => toRow(query, found)),
    },
    // Names are the user's own, whatever is told of ours.
    { ...limits, statementTimeout: timeout, pgMetrics: true },
  )
  return { ...probe, session: 'queries', skip: (facts) => notFor(query, facts) }
}

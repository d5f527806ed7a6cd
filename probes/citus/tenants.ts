// What Citus knows of tenants in windows of time, as counters. A window that ended is counted once, by its final numbers; the one that goes on
// by what it has so far. Windows begin at multiples of their length
// (https://github.com/citusdata/citus/blob/main/src/backend/distributed/utils/citus_stat_tenants.c).
import { counter, FamilyReader, gauge } from '../collection.ts'
import type { Collection, Family, Row } from '../collection.ts'
import type { ProbeContext, ProbeLimits } from '../probe.ts'

/** What a tenant did: in the window that goes on, and in the one before. */
export interface TenantWindow {
  readonly tenant: string
  readonly colocation: string
  readonly queries: number
  readonly queriesBefore: number
  readonly cpu: number
  readonly cpuBefore: number
}

interface Counted {
  /** Number of the window that was last looked at. */
  readonly window: number
  /** All windows before that one. */
  readonly settled: { readonly queries: number; readonly cpu: number }
  /** That one, so far. */
  readonly current: { readonly queries: number; readonly cpu: number }
}

/** Tenants remembered at most; Citus itself tracks citus.stat_tenants_limit of them, 100 by default. */
const longest = 10_000

/** Counters of tenants from windows. */
export class TenantCounters {
  readonly #counted = new Map<string, Counted>()

  /** Adds what a tenant did as seen in this window (a number that grows by one from window to window), and returns all that it did since it is watched. */
  add(seen: TenantWindow, window: number): { readonly queries: number; readonly cpu: number } {
    const key = `${seen.colocation}\0${seen.tenant}`
    const before = this.#counted.get(key)
    const current = { queries: seen.queries, cpu: seen.cpu }
    const settled = before === undefined ? { queries: 0, cpu: 0 } : settle(before, seen, window)
    if (before === undefined && this.#counted.size >= longest) this.#counted.clear()
    this.#counted.set(key, { window, settled, current })
    return { queries: settled.queries + current.queries, cpu: settled.cpu + current.cpu }
  }
}

function settle({ window: last, settled, current }: Counted, seen: TenantWindow, window: number): Counted['settled'] {
  if (window === last) return settled
  // The final numbers of the window that was seen last are there only in the one right after it.
  const final = window === last + 1 ? { queries: seen.queriesBefore, cpu: seen.cpuBefore } : current
  const between = window > last + 1 ? { queries: seen.queriesBefore, cpu: seen.cpuBefore } : { queries: 0, cpu: 0 }
  return {
    queries: settled.queries + Math.max(final.queries, current.queries) + between.queries,
    cpu: settled.cpu + Math.max(final.cpu, current.cpu) + between.cpu,
  }
}

const families = [
  counter(
    'citus_tenant_queries_total',
    'Queries of the tenant on this node since the sidecar watches. Only with CITUS_SIDECAR_TENANTS.',
    'queries',
    ['tenant', 'colocation'],
  ),
  counter('citus_tenant_cpu_seconds_total', 'CPU time of these. Only with CITUS_SIDECAR_TENANTS.', 'cpu', [
    'tenant',
    'colocation',
  ]),
  gauge('citus_tenants', 'Tenants that Citus tracks on this node.', 'tenants'),
  gauge(
    'citus_largest_tenant_query_ratio',
    'Part of the queries of the last whole window that the busiest tenant had.',
    'share',
  ),
]

const sql = `
  select t.tenant_attribute as tenant, t.colocation_id::text as colocation, t.query_count_in_this_period::float8 as queries, t.query_count_in_last_period::float8 as "queriesBefore",
         t.cpu_usage_in_this_period::float8 as cpu, t.cpu_usage_in_last_period::float8 as "cpuBefore",
         floor(extract(epoch from now()) / current_setting('citus.stat_tenants_period')::float8)::float8 as window
    from pg_catalog.citus_stat_tenants_local t where current_setting('citus.stat_tenants_track', true) <> 'none'`

function reader(limits: ProbeLimits): (context: ProbeContext) => Promise<readonly Family[]> {
  const told = new FamilyReader(families, limits.maxSeries)
  const counters = new TenantCounters()
  return async (context) => {
    const found = await context.sql.query<TenantWindow & { readonly window: number }>(sql)
    if (found.length === 0) return told.read([])
    const all = found.reduce((sum, { queriesBefore }) => sum + queriesBefore, 0)
    const most = Math.max(...found.map(({ queriesBefore }) => queriesBefore))
    const rows: readonly Row[] = found
      .map((seen) => ({ tenant: seen.tenant, colocation: seen.colocation, ...counters.add(seen, seen.window) }))
      .toSorted((a, b) => b.queries - a.queries)
    const summary = { tenants: found.length, share: all === 0 ? null : most / all }
    return told.read([...(limits.tenants ? rows : []), summary])
  }
}

/** Tenants, where citus.stat_tenants_track is on. */
export const tenants = {
  name: 'citus.tenants',
  help: 'What tenants did on this node, where citus.stat_tenants_track is on.',
  interval: 15_000,
  where: { citus: '11.3', primary: true },
  families,
  reader,
} as const satisfies Collection

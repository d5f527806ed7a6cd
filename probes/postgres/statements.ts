// Statements that take the most time, as pg_stat_statements counts them. On a worker those of all shards of a table count as one. The text is
// read once for each new id: the server reads all of it from a file for that.
import { createHash } from 'node:crypto'
import { counter, FamilyReader, gauge } from '../collection.ts'
import type { Collection, Family, Row } from '../collection.ts'
import type { ProbeContext, ProbeLimits } from '../probe.ts'
import { withoutShards } from './shard-names.ts'

const labels = ['user', 'datname', 'queryid']
/** Of the statements only so many are told, whatever other families may have. */
const mostTold = 100
/** Texts that are read at once; those of the statements that take the most time come first. */
const textsAtOnce = 500
/** Characters of a text that make it known, and that are shown. */
const textRead = 4_000
const textShown = 200

/** https://www.postgresql.org/docs/17/release-17.html: times of blocks are told of shared buffers and local ones */
const sharedSince = 170_000
const resetsSince = 140_000

interface Numbers {
  readonly user: string
  readonly datname: string
  readonly queryid: string
  readonly calls: number
  readonly seconds: number
  readonly rows: number
  readonly read: number
  readonly write: number
}

/** What is known of a statement: the id under which it counts, and the beginning of its text without names of shards. */
interface Known {
  readonly id: string
  readonly text: string
}

const families = [
  counter('pg_stat_statements_calls_total', 'Times it ran.', 'calls', labels),
  counter('pg_stat_statements_seconds_total', 'Time that it took, in seconds.', 'seconds', labels),
  counter('pg_stat_statements_rows_total', 'Rows that it returned or changed.', 'rows', labels),
  counter('pg_stat_statements_block_read_seconds_total', 'Time that it read blocks, in seconds.', 'read', labels),
  counter('pg_stat_statements_block_write_seconds_total', 'Time that it wrote blocks, in seconds.', 'write', labels),
  gauge(
    'citus_sidecar_statement_info',
    'Text of a statement; always 1. Only with CITUS_SIDECAR_STATEMENT_TEXT.',
    'told',
    ['queryid', 'query'],
  ),
  counter(
    'citus_sidecar_statements_evicted_total',
    'Times that pg_stat_statements dropped its least used statements, having no room for more.',
    'evicted',
  ),
]

const numbersSql = (schema: string, version: number): string => {
  const block = version < sharedSince ? 'blk' : 'shared_blk'
  return `
  select pg_catalog.pg_get_userbyid(s.userid) as user, d.datname, s.queryid::text, sum(s.calls)::float8 as calls, (sum(s.total_exec_time) / 1000)::float8 as seconds,
         sum(s.rows)::float8 as rows, (sum(s.${block}_read_time) / 1000)::float8 as read, (sum(s.${block}_write_time) / 1000)::float8 as write
    from ${schema}.pg_stat_statements(false) s join pg_catalog.pg_database d on d.oid = s.dbid
   where s.queryid is not null group by 1, 2, 3 order by 5 desc`
}

/** Texts of statements by id; ids that are gone are forgotten. */
class Texts {
  #known = new Map<string, Known>()

  of(queryid: string): Known {
    return this.#known.get(queryid) ?? { id: queryid, text: '' }
  }

  async learn(queryids: readonly string[], schema: string, { sql }: ProbeContext): Promise<void> {
    const here = new Set(queryids)
    this.#known = new Map([...this.#known].filter(([queryid]) => here.has(queryid)))
    const unknown = queryids.filter((queryid) => !this.#known.has(queryid)).slice(0, textsAtOnce)
    if (unknown.length === 0) return
    const found = await sql.query<{ queryid: string; text: string }>(
      `select distinct on (s.queryid) s.queryid::text, left(s.query, ${textRead}) as text from ${schema}.pg_stat_statements(true) s where s.queryid = any($1::bigint[])`,
      [unknown],
    )
    for (const { queryid, text } of found) {
      const folded = withoutShards(text)
      this.#known.set(queryid, { id: folded === text ? queryid : idOf(folded), text: folded.slice(0, textShown) })
    }
  }
}

/** As PostgreSQL's own ids are: 64 bits with a sign. */
function idOf(text: string): string {
  return String(createHash('sha256').update(text).digest().readBigInt64BE())
}

/** Adds up what counts as one statement; the order of the first of each stays. */
function fold(found: readonly Numbers[], texts: Texts): readonly Row[] {
  const byKey = new Map<string, Numbers & { readonly text: string }>()
  for (const one of found) {
    const { id, text } = texts.of(one.queryid)
    const key = `${one.user}\0${one.datname}\0${id}`
    const sum = byKey.get(key)
    byKey.set(key, {
      user: one.user,
      datname: one.datname,
      queryid: id,
      text,
      calls: one.calls + (sum?.calls ?? 0),
      seconds: one.seconds + (sum?.seconds ?? 0),
      rows: one.rows + (sum?.rows ?? 0),
      read: one.read + (sum?.read ?? 0),
      write: one.write + (sum?.write ?? 0),
    })
  }
  return [...byKey.values()].map((one) => ({ ...one })).toSorted((a, b) => b.seconds - a.seconds)
}

function reader(limits: ProbeLimits): (context: ProbeContext) => Promise<readonly Family[]> {
  const texts = new Texts()
  const told = new FamilyReader(families, Math.min(limits.maxSeries, mostTold))
  return async (context) => {
    const { sql, facts } = context
    const version = facts.version ?? 0
    // An extension whose library is not loaded has nothing to tell.
    const [place] = await sql.query<{ schema: string }>(
      `select quote_ident(n.nspname) as schema from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace where e.extname = 'pg_stat_statements' and pg_catalog.current_setting('pg_stat_statements.max', true) is not null`,
    )
    if (place === undefined) return []
    const found = await sql.query<Numbers>(numbersSql(place.schema, version))
    await texts.learn([...new Set(found.map(({ queryid }) => queryid))], place.schema, context)
    const rows = fold(found, texts)
    const shown = limits.statementText
      ? rows
          .slice(0, mostTold)
          .flatMap(({ queryid, text }) => (text === '' ? [] : [{ queryid, query: String(text), told: 1 }]))
      : []
    const evicted =
      version < resetsSince
        ? []
        : await sql.query<{ evicted: number }>(
            `select i.dealloc::float8 as evicted from ${place.schema}.pg_stat_statements_info i`,
          )
    return told.read([
      ...rows,
      ...new Map(shown.map((row) => [row.queryid, row])).values(),
      ...evicted.map((row) => ({ ...row })),
    ])
  }
}

/** Statements that take the most time. */
export const statements = {
  name: 'postgres.statements',
  collector: 'stat_statements',
  help: 'Statements that take the most time; those of the shards of a table count as one.',
  interval: 60_000,
  where: { extension: 'pg_stat_statements', since: 13 },
  families,
  reader,
} as const satisfies Collection

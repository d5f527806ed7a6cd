// Names of shards and of Citus' passing results in a statement -> tables by their own names, so that a statement has one shape on all shards.
import { identifierOf } from './sql-tokens.ts'
import type { SqlToken } from './sql-tokens.ts'

/** The table that a shard is of, without schema and quotes; undefined where this node does not know that shard. */
export type TableOfShard = (id: string) => string | undefined

/** Longer names are cut, and have a hash before the shard's id: https://github.com/citusdata/citus/blob/v13.2.0/src/backend/distributed/relay/relay_event_utility.c */
const longestName = 63

interface Logical {
  readonly tokens: readonly SqlToken[]
  /** Shards that are named, decimal. */
  readonly shards: readonly string[]
  /** Tables whose shards are named in texts that Citus' functions get. */
  readonly tables: readonly string[]
}

const ending = /_(\d{1,19})"?$/
/** Results of parts of a query, as Citus names them. */
const passing = /^"?(?:repartitioned_results|repartition|intermediate|pg_merge_job|task|savepoint|citus|)_?\d/
const named = /_(\d{4,19})(?!\d)/g

/** The tokens with tables instead of shards; `byCitus` says that Citus wrote the statement, for a client's table may end in digits, too. */
export function logicalNames(tokens: readonly SqlToken[], byCitus: boolean, tableOfShard: TableOfShard): Logical {
  const shards = new Set<string>()
  const tables = new Set<string>()
  const logical = tokens.map((token, at): SqlToken => {
    const { kind, text } = token
    if (kind === 'literal') {
      for (const id of byCitus ? idsIn(text, tokens[at - 2]?.text) : []) {
        const table = tableOfShard(id)
        if (table === undefined) continue
        shards.add(id)
        tables.add(table)
      }
      return token
    }
    if (kind !== 'name' && kind !== 'quoted') return token
    const id = ending.exec(text)?.[1]
    const table = id === undefined ? undefined : tableOfShard(id)
    const base = identifierOf(token).slice(0, -1 - (id?.length ?? 0))
    if (id !== undefined && table !== undefined && (byCitus || isNameOf(table, base))) {
      shards.add(id)
      return { kind, text: written(kind, isNameOf(table, base) ? table : base) }
    }
    return byCitus && passing.test(text) ? { kind, text: text.replaceAll(/\d+/g, '?') } : token
  })
  return { tokens: logical, shards: [...shards], tables: [...tables] }
}

/** Ids that a literal may hold: `worker_apply_shard_ddl_command(102008, ...)`, and names in texts for functions of Citus. */
function idsIn(literal: string, called: string | undefined): readonly string[] {
  if (/^\d+$/.test(literal)) return called?.startsWith('worker_') === true ? [literal] : []
  return [...literal.matchAll(named)].map(([, id = '']) => id)
}

/** Whether a name without its shard's id is that of the table, whole or cut. */
function isNameOf(table: string, base: string): boolean {
  return (
    base === table || (table.length + 8 > longestName - 20 && base.length > 30 && table.startsWith(base.slice(0, -9)))
  )
}

function written(kind: SqlToken['kind'], name: string): string {
  return kind === 'quoted' ? `"${name.replaceAll('"', '""')}"` : name
}

// Statements of every kind, run on real servers that log them: what the log then tells is known beforehand.
import type { PostgresServer } from '../../deploy/local/postgres-server.ts'
import { startPostgres } from '../../deploy/local/lone-server.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import { logging, logLines } from './statement-log.ts'

/** A statement as node-postgres takes it: named, with parameters, or fetched in parts of `rows`. */
export interface Asked {
  readonly text: string
  readonly values?: readonly unknown[]
  readonly name?: string
  readonly rows?: number
  /** The SQLSTATE that it fails with. */
  readonly fails?: string
  /** How often the log tells of it, once unless told. */
  readonly times?: number
}

const named = { name: 'n1', text: 'select i from a where i = $1' } as const
/** In the order in which one session runs them; those after `onlyDurations` are known by what log_statement says. */
export const asked: readonly Asked[] = [
  { text: 'create temp table a (i int primary key, t text)' },
  { text: "insert into a values (1, 'x')" },
  { text: 'select 1; select 2; begin; select 3; commit' },
  { text: 'select $1::int', values: [1] },
  { ...named, values: [1] },
  { ...named, values: [2] },
  { text: 'select 1/0', fails: '22012' },
  { text: 'selec', fails: '42601' },
  { text: 'select 1/$1::int', values: [0], fails: '22012' },
  { text: 'selec $1', values: [1], fails: '42601' },
  { text: 'select 1; select 2/0; select 3', fails: '22012' },
  { name: 'n2', text: 'select 2/$1::int', values: [0], fails: '22012' },
  { name: 'n2', text: 'select 2/$1::int', values: [0], fails: '22012' },
  { text: 'do $$ begin perform 1/0; end $$', fails: '22012' },
  { text: "do $$ begin perform 1/0; exception when others then raise warning 'w'; end $$" },
  { text: 'begin' },
  { text: 'select 1/0', fails: '22012' },
  { text: 'select 2', fails: '25P02' },
  { text: 'rollback' },
  { text: 'begin' },
  { text: 'declare cu cursor for select * from generate_series(1, 100)' },
  { text: 'fetch 5 from cu' },
  { text: 'close cu' },
  { text: 'select * from generate_series(1, 25)', rows: 10, times: 3 },
  { text: 'commit' },
  { text: 'copy (select 1) to stdout' },
  { text: 'prepare p (int) as select $1 + 1' },
  { text: 'execute p (5)' },
  { text: "set statement_timeout = '60ms'" },
  { text: 'select pg_sleep(5)', fails: '57014' },
  { text: 'select pg_sleep($1)', values: [5], fails: '57014' },
  { text: 'reset statement_timeout' },
  { text: "load 'auto_explain'" },
  { text: 'set auto_explain.log_min_duration = 0; set auto_explain.log_format = json' },
  { text: 'select count(*) from a' },
  { text: 'select count(*) from a where i = $1', values: [1] },
  { text: 'select i from a where i = $1', values: [1] },
  { text: 'set auto_explain.log_min_duration = -1' },
  { text: 'set log_min_duration_statement = -1; set log_min_duration_sample = 0; set log_statement_sample_rate = 1' },
  { text: 'select 7' },
  { text: "set log_duration = on; set log_statement = 'all'" },
  { text: 'select 8' },
  { text: 'select $1::text', values: ['x'] },
  { text: 'select 8/0', fails: '22012' },
  { text: 'set log_min_duration_sample = -1' },
  { text: 'select 9' },
  { text: 'select $1::text', values: ['y'] },
  { text: "set log_statement = 'none'" },
  // Its text is nowhere: it is counted as lost.
  { text: 'select 10', times: 0 },
]

/** Runs them in one session, and one more that is ended from outside; returns what the server has logged by then. */
export async function recordPlain(settings: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
  await using server = await startPostgres({ settings: { ...logging, ...settings } })
  await run(server.postgres, asked)
  const doomed = await server.postgres.connect()
  const ended = run(server.postgres, [
    {
      text: "select pg_sleep(0.1); select pg_terminate_backend(pid) from pg_stat_activity where query = 'select pg_sleep(77)'",
    },
  ])
  await doomed.query('select pg_sleep(77)').catch(() => undefined)
  await ended
  return await logged(server.postgres, server.postgres.name)
}

/** Runs statements in a session of their own; a failure that is not expected is thrown. */
export async function run(postgres: PostgresServer, statements: readonly Asked[]): Promise<void> {
  const session = await postgres.connect()
  try {
    for (const { text, values, name, rows, fails } of statements) {
      const query = { text, ...(values && { values: [...values] }), ...(name && { name }), ...(rows && { rows }) }
      const code = await session.query(query).then(
        () => undefined,
        (error: { code?: string }) => error.code,
      )
      if (code !== fails) throw new Error(`${text}: ${code ?? 'did not fail'} instead of ${fails ?? 'no failure'}`)
    }
  } finally {
    await session.end()
  }
}

/** All lines, once the last statement is there. */
async function logged(postgres: PostgresServer, mark: string): Promise<readonly string[]> {
  await postgres.query(`select 'end of the scenario ${mark}'`)
  return await eventually(`the log of ${postgres.name} is written`, () => {
    const lines = logLines(postgres.dataDir)
    return lines.some((line) => line.includes(`end of the scenario ${mark}`)) ? lines : undefined
  })
}

const copy = (from: number): string => `copy orders from program 'seq ${from} ${from + 9} | sed "s/$/\\tx/"'`
const update = { text: 'update orders set note = $2 where id = $1', values: [1, 'a'] } as const
const join = 'with x as materialized (select * from orders limit 2) select count(*) from x join others using (id)'
/** What one session asks a cluster for; each list is a session. */
const distributed: readonly (readonly Asked[])[] = [
  [
    { text: 'begin' },
    { text: 'insert into orders select i, i::text from generate_series(1, 20) i on conflict do nothing' },
    ...Array.from({ length: 2 }, () => ({ text: 'update orders set note = note' })),
    { text: 'savepoint a' },
    { text: 'update orders set note = note' },
    { text: 'rollback to a' },
    ...Array.from({ length: 3 }, () => update),
    { text: 'select count(*) from orders join refs using (id)' },
    { text: 'commit' },
  ],
  [{ text: 'begin' }, { text: 'select 1/(id - 1) from orders', fails: '22012' }, { text: 'rollback' }],
  [
    { text: 'begin' },
    update,
    { text: "insert into refs values (1, 'x') on conflict do nothing" },
    { text: 'rollback' },
  ],
  [
    { text: 'insert into others select id, note from orders' },
    { text: join },
    { text: 'begin' },
    { text: join },
    { text: join },
    { text: 'commit' },
  ],
  [
    {
      text: `do $$ begin for i in 1..4 loop begin update orders set note = 'q' where id = i; update orders set note = 'q' where id = 1;
        perform 1/(i - 2); exception when others then null; end; end loop; end $$`,
    },
  ],
  [
    { text: 'begin' },
    { text: 'set local citus.force_max_query_parallelization = on' },
    ...Array.from({ length: 2 }, () => ({ text: 'select count(*) from orders' })),
    { text: 'commit' },
  ],
  [
    { text: "set citus.propagate_set_commands = 'local'" },
    { text: 'begin' },
    { text: "set local app.traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'" },
    update,
    { text: 'savepoint b' },
    { text: "set local app.traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203332-01'" },
    { text: 'update orders set note = note' },
    { text: 'rollback to b' },
    { text: 'delete from orders where id = 1' },
    { text: 'commit' },
  ],
]

/** What a server of a cluster has logged. */
export interface NodeLog {
  readonly name: string
  readonly port: number
  readonly lines: readonly string[]
}

/** A cluster of two workers whose servers log what Citus does, with two distributed tables and a reference table. */
export async function startLogged(): Promise<LocalCluster> {
  const settings = {
    ...logging,
    'citus.log_remote_commands': 'on',
    'citus.log_local_commands': 'on',
    log_min_messages: 'notice',
  }
  const cluster = await startCluster({
    workers: 2,
    prepare: 'extension',
    postgresSettings: { ...settings, client_min_messages: 'warning' },
  })
  if (cluster.kind !== 'citus') return cluster
  const { postgres } = cluster.coordinator
  for (const worker of cluster.workers) await postgres.query(`select citus_add_node('localhost', ${worker.pgPort})`)
  await postgres.query(`select citus_set_coordinator_host('localhost', ${postgres.port})`)
  for (const table of ['orders', 'others', 'refs']) await postgres.query(`create table ${table} (id bigint, note text)`)
  await postgres.query('alter table orders add primary key (id)')
  await postgres.query('alter table refs add primary key (id)')
  await postgres.query(`select create_distributed_table('orders', 'id', shard_count => 4)`)
  await postgres.query(`select create_distributed_table('others', 'note', shard_count => 2)`)
  await postgres.query(`select create_reference_table('refs')`)
  return cluster
}

/** Runs them from each of these nodes, and returns what all nodes have logged meanwhile. */
export async function recordDistributed(
  cluster: LocalCluster,
  from: readonly LocalNode[],
): Promise<readonly NodeLog[]> {
  const before = new Map(cluster.nodes.map(({ name, postgres }) => [name, logLines(postgres.dataDir).length]))
  for (const [at, { postgres }] of from.entries()) {
    for (const session of distributed) await run(postgres, session)
    await run(postgres, [{ text: copy(100 + at * 100) }])
  }
  return await Promise.all(
    cluster.nodes.map(async ({ name, postgres }) => {
      const lines = await logged(postgres, name)
      return { name, port: postgres.port, lines: lines.slice(before.get(name)) }
    }),
  )
}

// The table that holds the stand-in to real Citus: statements on nodes and what both answer. Steps build on the ones
// before, on a coordinator `c` and three workers that know nothing of each other.

import type { ServerKind } from '../../../deploy/local/binaries.ts'

export const NODES = { c: 'coordinator', w1: 'worker-1', w2: 'worker-2', w3: 'worker-3' } as const
export type NodeKey = keyof typeof NODES
type Failure = readonly [code: string, message: RegExp, hint?: RegExp]

/** One statement and what it answers. */
export interface Step {
  readonly on: NodeKey
  readonly as?: string
  /** `{c}`, `{w1}` … are the nodes' ports. */
  readonly sql: string
  /** The last statement's rows as arrays. */
  readonly rows?: readonly (readonly unknown[])[]
  readonly fails?: Failure
  /** Ask until the rows are these: Citus does some work after the call. */
  readonly soon?: true
}

export const gives = (on: NodeKey, sql: string, ...rows: readonly (readonly unknown[])[]): Step => ({ on, sql, rows })
export const soon = (on: NodeKey, sql: string, ...rows: readonly (readonly unknown[])[]): Step => ({
  ...gives(on, sql, ...rows),
  soon: true,
})
export const works = (on: NodeKey, sql: string): Step => ({ on, sql })
export const fails = (on: NodeKey, sql: string, ...failure: Failure): Step => ({ on, sql, fails: failure })
const asRole = (step: Step, as = 'plain'): Step => ({ ...step, as })

export const TABLE =
  'select groupid, isactive, hasmetadata, metadatasynced, shouldhaveshards from pg_dist_node order by nodeid'
export const COORDINATOR = [0, true, true, true, false]
export const worker = (
  group: number,
  but: { active?: boolean; synced?: boolean; shards?: boolean } = {},
): unknown[] => [group, but.active ?? true, true, but.synced ?? true, but.shards ?? true]
const add = (port: string, more = ''): string => `select citus_add_node('localhost', {${port}}${more})`
const LOCAL_GROUP = 'select groupid from pg_dist_local_group'
export const nodeId = (port: string): string => `(select nodeid from pg_dist_node where nodeport = {${port}})`
const NOT_HERE: Failure = ['XX000', /^operation is not allowed on this node$/, /^Connect to the coordinator and run/]
const NO_SUPERUSER: Failure = ['XX000', /^operation is not allowed$/, /^Run the command with a superuser\.$/]
export const OUT_OF_SYNC: Failure = [
  '55000',
  /^localhost:\d+ is a metadata node, but is out of sync$/,
  /^If the node is up/,
]
const unknownNode = (port: number): Failure => ['XX000', new RegExp(`^node at "localhost:${port}" does not exist$`)]
export const noConnection = (port: number | string): Failure => [
  '08006',
  new RegExp(`^connection to the remote node postgres@localhost:${port} failed with the following error: Connection`),
]
const QUIET = 'set citus.enable_ddl_propagation = off; set citus.enable_create_role_propagation = off;'
const PUBLIC_TABLES = 'node local_group partition shard placement colocation transaction background_job cleanup object'
const SUPERUSER_CALLS = ["citus_add_node('localhost', {w1})", "start_metadata_sync_to_node('localhost', {w1})"]
const COORDINATOR_CALLS = [
  ...SUPERUSER_CALLS,
  "citus_add_inactive_node('localhost', 1)",
  "citus_add_secondary_node('localhost', 1, 'localhost', {w1})",
  "citus_activate_node('localhost', {w1})",
  "citus_disable_node('localhost', {w1})",
  "citus_remove_node('localhost', {w1})",
  "citus_set_node_property('localhost', {w1}, 'shouldhaveshards', false)",
]
const GUARDED_CALLS = [
  ...COORDINATOR_CALLS,
  "citus_set_coordinator_host('localhost')",
  "citus_update_node(1, 'localhost', 1)",
  'citus_pause_node_within_txn(1)',
  'recover_prepared_transactions()',
]
const HEAD = ['localhost', true, 'primary', 'default']
const HEALTH = 'select bool_and(result), count(*) from citus_check_cluster_node_health()'

export const scenarios: Readonly<Record<string, readonly Step[]>> = {
  'a node that belongs to no cluster': [
    gives('c', "select citus_version() ~ '^Citus 13\\.2\\.\\d+ on ', citus_is_coordinator()", [true, false]),
    gives('c', 'select citus_coordinator_nodeid(), citus_backend_gpid() / 10000000000', [0, '99999999']),
    gives('c', `${TABLE}`),
    gives('c', LOCAL_GROUP, [0]),
    gives('c', "select length(metadata ->> 'server_id') from pg_dist_node_metadata", [36]),
    gives('c', "select citus_add_node(null, 1), citus_update_node(null, 'x', 1)", [null, null]),
    fails('c', "select citus_add_node('localhost', 1)", ...noConnection(1)),
    fails('c', add('c'), 'XX000', /^Node cannot add itself as a worker/, /^Add the/),
    works('w3', 'drop extension citus'),
    fails('c', add('w3'), 'XX000', /^failure on connection marked as essential: local/),
    works('w3', 'create extension citus'),
    fails('c', "select citus_add_secondary_node('localhost', 2, 'localhost', 3)", ...unknownNode(3)),
    fails('c', "select citus_update_node(1, 'localhost', 2)", 'P0002', /^node 1 not found$/),
    fails('c', 'select citus_pause_node_within_txn(1)', 'P0002', /^node 1 not found$/),
    gives('c', `${TABLE}`),
  ],
  'the address of the coordinator': [
    works('c', "select citus_set_coordinator_host('localhost')"),
    works('c', "select citus_set_coordinator_host('localhost', {c})"),
    gives('c', 'select nodename, nodeport = {c}, noderole::text, nodecluster from pg_dist_node', HEAD),
    gives('c', 'select citus_is_coordinator(), citus_coordinator_nodeid() = nodeid from pg_dist_node', [true, true]),
    fails('c', "select citus_add_node('127.0.0.1', {w1})", 'XX000', /hostname is set to localhost$/, /^Use /),
  ],
  'a worker that joins': [
    works('c', add('w1', ', 1')),
    gives('c', `select citus_add_node('localhost', {w1}) = ${nodeId('w1')}`, [true]),
    gives('c', `select citus_add_node('localhost', {w1}, groupid => 7) = ${nodeId('w1')}`, [true]),
    fails('c', add('w2', ', 1'), 'XX000', /^group 1 already has a primary/),
    fails('c', add('w2', ', 0'), 'XX000', /^group 0 already has a primary/),
    fails('c', add('w2', ", 2, nodecluster => 'x'"), 'XX000', /must be added to the default/),
    fails('c', "select citus_add_inactive_node('localhost', {w2}, 0)", 'XX000', /cannot be added as inactive node$/),
    works('c', add('w2', ', 2')),
    ...(['c', 'w1', 'w2'] as const).map((on) => gives(on, TABLE, COORDINATOR, worker(1), worker(2))),
    gives('w2', LOCAL_GROUP, [2]),
    gives('w2', `select citus_is_coordinator(), citus_backend_gpid() / 10000000000 = ${nodeId('w2')}`, [false, true]),
    gives('w2', 'select citus_nodeport_for_nodeid(citus_coordinator_nodeid()) = {c}', [true]),
    gives('w2', 'select citus_nodename_for_nodeid(citus_coordinator_nodeid())', ['localhost']),
    gives('c', HEALTH, [true, '9']),
    gives('c', "select citus_check_connection_to_node('localhost', {w1})", [true]),
    gives('c', "select citus_check_connection_to_node('localhost', 1)", [false]),
    gives('c', "select citus_check_connection_to_node('nowhere.invalid')", [false]),
    gives(
      'c',
      "select success, result from master_run_on_worker(array['localhost', 'localhost'], array[{w1}, 1], array['select 42', 'select 43'], false)",
      [true, '42'],
      [false, 'failed to connect to localhost:1'],
    ),
    gives(
      'c',
      "select success, result from master_run_on_worker(array['localhost'], array[{w1}], array['select 1/0'], false)",
      [false, 'ERROR:  division by zero'],
    ),
    gives(
      'c',
      "select success, result from master_run_on_worker(array['localhost'], array[{w1}], array['select 1 union select 2'], false)",
      [false, 'expected a single row in query result'],
    ),
  ],
  'an inactive worker': [
    works('c', "select citus_add_inactive_node('localhost', {w3}, 3)"),
    gives('c', `select citus_add_node('localhost', {w3}) = ${nodeId('w3')}`, [true]),
    gives('w1', 'select isactive, hasmetadata, metadatasynced from pg_dist_node where groupid = 3', [
      false,
      false,
      false,
    ]),
    gives('w3', LOCAL_GROUP, [0]),
    gives('c', `select citus_activate_node('localhost', {w3}) = ${nodeId('w3')}`, [true]),
    gives('w3', TABLE, COORDINATOR, worker(1), worker(2), worker(3)),
    gives('w3', LOCAL_GROUP, [3]),
    works('c', "select citus_activate_node('localhost', {c})"),
  ],
  'what only the coordinator does': COORDINATOR_CALLS.map((call) => fails('w1', `select ${call}`, ...NOT_HERE)),
  'who may do what': [
    ...(['c', 'w1', 'w2', 'w3'] as const).map((on) => works(on, `${QUIET} create role plain login password 'p'`)),
    ...PUBLIC_TABLES.split(' ').map((name) => asRole(works('c', `select from pg_dist_${name}`))),
    asRole(fails('c', 'select from pg_dist_authinfo', '42501', /^permission denied for table pg_dist_authinfo$/)),
    ...GUARDED_CALLS.map((call) => asRole(fails('c', `select ${call}`, '42501', /^permission denied for function /))),
    works(
      'c',
      `${QUIET} grant execute on function citus_add_node, citus_activate_node, start_metadata_sync_to_node,
      citus_update_node, citus_pause_node_within_txn to plain`,
    ),
    ...SUPERUSER_CALLS.map((call) => asRole(fails('c', `select ${call}`, ...NO_SUPERUSER))),
    asRole(fails('c', "select citus_activate_node('localhost', {w1})", ...NO_SUPERUSER)),
    asRole(works('c', `select citus_update_node(${nodeId('w1')}, 'localhost', {w1})`)),
    asRole(works('c', `select citus_pause_node_within_txn(${nodeId('w1')})`)),
    works(
      'c',
      `${QUIET} create function public.join_cluster(port int) returns int language sql security definer
      set search_path = pg_catalog, pg_temp as 'select citus_add_node(''localhost'', port)'`,
    ),
    asRole(gives('c', `select public.join_cluster({w1}) = ${nodeId('w1')}`, [true])),
    asRole(gives('c', "select citus_check_connection_to_node('localhost', {w1})", [false])),
    works('c', "insert into pg_dist_authinfo values (0, 'plain', 'password=p')"),
    asRole(gives('c', "select citus_check_connection_to_node('localhost', {w1})", [true])),
    works('c', `insert into pg_dist_authinfo values (${nodeId('w1')}, 'plain', 'password=wrong')`),
    asRole(gives('c', "select citus_check_connection_to_node('localhost', {w1})", [false])),
    asRole(gives('c', "select citus_check_connection_to_node('localhost', {w2})", [true])),
    fails('c', "insert into pg_dist_authinfo values (0, 'nobody', 'password=p')", '23514', /"role_exists"/),
    fails('c', "insert into pg_dist_authinfo values (0, 'postgres', 'host=x')", '23514', /"authinfo_valid"/),
  ],
  'disable, activate, property, secondary, remove': [
    fails('c', "select citus_disable_node('localhost', 1)", ...unknownNode(1)),
    fails('c', "select citus_disable_node('localhost', {c})", 'XX000', /^cannot change "isactive" field of the coord/),
    fails('c', `select citus_disable_node('localhost', least({w1}, {w2}, {w3}))`, '55000', /^dis/),
    works('c', "select citus_disable_node('localhost', {w3}, synchronous => true)"),
    gives('w1', TABLE, COORDINATOR, worker(1), worker(2), worker(3, { active: false })),
    gives('w3', TABLE, COORDINATOR, worker(1), worker(2), worker(3)),
    works('c', "select citus_activate_node('localhost', {w3})"),
    gives('w2', TABLE, COORDINATOR, worker(1), worker(2), worker(3)),
    works('c', "select citus_set_node_property('localhost', {w3}, 'shouldhaveshards', false)"),
    gives('w1', TABLE, COORDINATOR, worker(1), worker(2), worker(3, { shards: false })),
    fails('c', "select citus_set_node_property('localhost', {w3}, 'x', true)", 'XX000', /^only the 'shouldhaveshards'/),
    works('c', "select citus_add_secondary_node('localhost', 1, 'localhost', {w1})"),
    gives('w2', "select groupid, hasmetadata from pg_dist_node where noderole = 'secondary'", [1, false]),
    works('c', "select citus_remove_node('localhost', 1)"),
    works('c', "select citus_remove_node('localhost', {w3})"),
    fails('c', "select citus_remove_node('localhost', {w3})", 'XX000', /^node at .* does not exist$/),
    gives('w1', TABLE, COORDINATOR, worker(1), worker(2)),
    gives('w3', TABLE, COORDINATOR, worker(1), worker(2), worker(3, { shards: false })),
  ],
  'a node that moves': [
    works('c', `select citus_update_node(${nodeId('w1')}, '127.0.0.1', {w1})`),
    fails('c', `select citus_update_node(${nodeId('w2')}, '127.0.0.1', {w1})`, '55000', /^there is already another/),
    soon('c', TABLE, COORDINATOR, worker(1), worker(2)),
    soon('w2', 'select nodename, metadatasynced from pg_dist_node where groupid = 1', ['127.0.0.1', true]),
    works('w2', `select citus_update_node(${nodeId('w1')}, 'elsewhere', {w1})`),
    gives('w2', TABLE, COORDINATOR, worker(1, { synced: false }), worker(2, { synced: false })),
    gives('c', 'select nodename from pg_dist_node where groupid = 1', ['127.0.0.1']),
    works('c', `select citus_update_node(${nodeId('w1')}, 'localhost', {w1})`),
    soon('c', TABLE, COORDINATOR, worker(1), worker(2)),
    soon('w2', TABLE, COORDINATOR, worker(1), worker(2)),
    gives('w2', 'select nodename from pg_dist_node where groupid = 1', ['localhost']),
  ],
  'a transaction that rolls back': [
    works('c', "begin; select citus_add_node('localhost', {w3}, 3); rollback"),
    works('c', "begin; select citus_remove_node('localhost', {w2}); rollback"),
    ...(['c', 'w1', 'w2'] as const).map((on) => gives(on, TABLE, COORDINATOR, worker(1), worker(2))),
    works(
      'c',
      `begin; select citus_remove_node('localhost', {w2});
      select citus_add_node('localhost', {w2}, 2); commit`,
    ),
    ...(['c', 'w1', 'w2'] as const).map((on) => gives(on, TABLE, COORDINATOR, worker(1), worker(2))),
  ],
  'two-phase commits of nobody': [
    ...['citus_0_1_1_1', 'citus_0_1_2_1', 'citus_1_1_3_1', 'other'].map((gid, index) =>
      works('w1', `${QUIET} begin; create table public.prepared_${index} (); prepare transaction '${gid}'`),
    ),
    works('c', "insert into pg_dist_transaction values (1, 'citus_0_1_1_1'), (1, 'citus_0_1_9_1')"),
    gives('c', 'select recover_prepared_transactions()', [2]),
    gives('c', "select gid from pg_dist_transaction where gid like 'citus\\_0\\_1\\_%'"),
    gives('w1', 'select gid from pg_prepared_xacts order by 1', ['citus_1_1_3_1'], ['other']),
    gives('w1', "select to_regclass('prepared_0')::text, to_regclass('prepared_1')::text", ['prepared_0', null]),
    ...['citus_1_1_3_1', 'other'].map((gid) => works('w1', `rollback prepared '${gid}'`)),
  ],
}

/** A distributed table `d` of two shards and a reference table `r`, on workers 1 and 2. */
export function makeTables(kind: ServerKind): Step[] {
  const tables = 'create table public.d (id int); create table public.r (id int);'
  if (kind === 'citus') {
    const distribute = "select create_distributed_table('d', 'id', shard_count => 2), create_reference_table('r')"
    return [works('c', tables), works('c', distribute)]
  }
  // The stand-in has no such functions: the rows that they leave, on the coordinator for now.
  return [
    works('c', tables),
    works(
      'c',
      `insert into pg_dist_colocation values (1, 2, 1, 23, 0), (2, 1, -1, 0, 0);
      insert into pg_dist_partition values ('d', 'h', 'id', 1, 'c'), ('r', 'n', null, 2, 't');
      insert into pg_dist_shard values ('d', 102008, 't', '-2147483648', '-1'), ('d', 102009, 't', '0', '2147483647'),
        ('r', 102010, 't', null, null);
      insert into pg_dist_placement (shardid, shardstate, shardlength, groupid) values
        (102008, 1, 0, 1), (102009, 1, 0, 2), (102010, 1, 0, 0), (102010, 1, 0, 1), (102010, 1, 0, 2)`,
    ),
  ]
}

const COUNTS = `select (select count(*) from pg_dist_partition), (select count(*) from pg_dist_shard),
  (select count(*) from pg_dist_placement), to_regclass('public.d')::text`
const FULL = ['2', '3', '5', 'd']
const SOLE_PLACEMENT: Failure = [
  'XX000',
  /^cannot remove or disable the node localhost:\d+ because because it contains/,
]

export const withTables: readonly Step[] = [
  works('c', "select start_metadata_sync_to_node('localhost', {w1})"),
  works('c', "select start_metadata_sync_to_node('localhost', {w2})"),
  works('c', add('w3', ', 3')),
  ...(['c', 'w1', 'w2', 'w3'] as const).map((on) => gives(on, COUNTS, FULL)),
  works('c', "select citus_remove_node('localhost', {w3})"),
  fails('c', "select citus_remove_node('localhost', {w1})", ...SOLE_PLACEMENT),
  fails('c', "select citus_disable_node('localhost', {w1}, true)", ...SOLE_PLACEMENT),
]

/** A coordinator that has lost everything adds its worker again: the worker loses everything, too. */
export const amnesia: readonly Step[] = [
  works(
    'c',
    `delete from pg_dist_placement; delete from pg_dist_shard; delete from pg_dist_partition;
    delete from pg_dist_object; delete from pg_dist_node`,
  ),
  works('c', "select citus_set_coordinator_host('localhost')"),
  gives('w1', COUNTS, FULL),
  works('c', add('w1', ', 1')),
  gives('w1', COUNTS, ['0', '0', '0', null]),
]

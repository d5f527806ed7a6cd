// The control plane's functions on the kind of server that this run has: on real Citus this records what Citus does, on
// the stand-in it holds the stand-in to that.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { type Client, DatabaseError } from 'pg'
import { eventually } from '../../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../../deploy/local/local-cluster.ts'
import { startCluster } from '../../../deploy/local/start-cluster.ts'
import {
  amnesia,
  COORDINATOR,
  fails,
  gives,
  makeTables,
  noConnection,
  type NodeKey,
  nodeId,
  NODES,
  OUT_OF_SYNC,
  scenarios,
  soon,
  type Step,
  TABLE,
  withTables,
  worker,
  works,
} from './stand-in-scenarios.ts'

suite("Citus' control plane", { timeout: 240_000 }, () => {
  let cluster: LocalCluster
  before(async () => {
    const postgresSettings = { 'citus.recover_2pc_interval': '-1' }
    cluster = await startCluster({ workers: 3, prepare: 'extension', sidecars: false, postgresSettings })
  })
  after(async () => await cluster.down())

  const serverOf = (key: NodeKey) => cluster.node(NODES[key]).postgres
  const withPorts = (sql: string): string =>
    sql.replace(/\{(c|w[123])\}/g, (_, key: NodeKey) => String(cluster.node(NODES[key]).pgPort))
  const ask = async (session: Client, sql: string): Promise<unknown[][]> => {
    const answer = await session.query<unknown[]>({ text: withPorts(sql), rowMode: 'array' })
    const results: (typeof answer)[] = Array.isArray(answer) ? answer : [answer]
    return results.at(-1)?.rows ?? []
  }
  const perform = async (step: Step): Promise<unknown[][]> => {
    const session = await serverOf(step.on).connect({ user: step.as })
    try {
      return await ask(session, step.sql)
    } finally {
      await session.end()
    }
  }
  const check = async (step: Step): Promise<void> => {
    const label = `${step.on}${step.as === undefined ? '' : ` as ${step.as}`}: ${withPorts(step.sql)}`
    if (step.fails !== undefined) {
      const [code, message, hint] = step.fails
      await assert.rejects(perform(step), (error) => {
        assert.ok(error instanceof DatabaseError, `${label}\n${String(error)}`)
        assert.equal(error.code, code, `${label}\n${error.message}`)
        assert.match(error.message, message, label)
        if (hint !== undefined) assert.match(error.hint ?? '', hint, label)
        return true
      })
      return
    }
    if (step.soon === true) {
      const same = async (): Promise<boolean> => JSON.stringify(await perform(step)) === JSON.stringify(step.rows)
      await eventually(label, same, { deadline: 20_000, interval: 100 })
    }
    const rows = await perform(step)
    if (step.rows !== undefined) assert.deepEqual(rows, step.rows, label)
  }
  const checkAll = async (steps: readonly Step[]): Promise<void> => {
    for (const step of steps) await check(step)
  }

  test('says which Citus this run has', (context) => {
    context.diagnostic(cluster.description)
    assert.match(cluster.description, cluster.kind === 'citus' ? /^Citus \d/ : /^Citus stand-in/)
  })

  for (const [name, steps] of Object.entries(scenarios)) test(name, async () => await checkAll(steps))

  test('ten adds of one node at once give one id', async () => {
    const add = works('c', "select citus_add_node('localhost', {w3}, 3)")
    const answers = await Promise.all(Array.from({ length: 10 }, async () => await perform(add)))
    assert.equal(new Set(answers.flat(2)).size, 1)
    await check(gives('w3', TABLE, COORDINATOR, worker(1), worker(2), worker(3)))
  })

  test('a node that is down', async () => {
    await serverOf('w3').stop()
    await checkAll([
      gives('c', "select citus_check_connection_to_node('localhost', {w3})", [false]),
      gives('c', `select citus_add_node('localhost', {w1}) = ${nodeId('w1')}`, [true]),
      fails(
        'c',
        "select citus_set_node_property('localhost', {w1}, 'shouldhaveshards', true)",
        ...noConnection('\\d+'),
      ),
      works('c', `select citus_update_node(${nodeId('w1')}, '127.0.0.1', {w1})`),
      soon('c', TABLE, COORDINATOR, worker(1), worker(2), worker(3, { synced: false })),
      fails('c', "select citus_set_node_property('localhost', {w2}, 'shouldhaveshards', true)", ...OUT_OF_SYNC),
      fails('c', "select citus_add_inactive_node('localhost', 1, 9)", ...OUT_OF_SYNC),
    ])
    await serverOf('w3').start()
    const change = works('c', "select citus_set_node_property('localhost', {w2}, 'shouldhaveshards', true)")
    const changed = async (): Promise<unknown[][]> => await perform(change)
    await eventually('the node that is back is synced', changed, { deadline: 30_000, interval: 500 })
    await checkAll([
      works('c', `select citus_update_node(${nodeId('w1')}, 'localhost', {w1})`),
      soon('c', TABLE, COORDINATOR, worker(1), worker(2), worker(3)),
      soon('w3', TABLE, COORDINATOR, worker(1), worker(2), worker(3)),
      works('c', "select citus_remove_node('localhost', {w3})"),
    ])
  })

  test('a node that is frozen costs the connection timeout, and no more than the statement timeout', async () => {
    await serverOf('w2').freeze()
    try {
      const quick = "select citus_check_connection_to_node('localhost', {w2})"
      await check(gives('c', `set citus.node_connection_timeout = 2000; ${quick}`, [false]))
      await check(fails('c', `set statement_timeout = 1000; ${quick}`, '57014', /statement timeout$/))
    } finally {
      serverOf('w2').thaw()
    }
  })

  test('tables are copied to a node that joins and keep theirs from leaving', async () => {
    await checkAll([...makeTables(cluster.kind), ...withTables])
  })

  test('a node hold waits for writers and keeps them out until its transaction ends', async () => {
    const holder = await serverOf('c').connect()
    const writer = await serverOf('c').connect()
    try {
      const hold = `select citus_pause_node_within_txn(${nodeId('w1')})`
      const write = (group: number): string => `select lock_shard_metadata(5, array_agg(shardid)) from pg_dist_shard
        join pg_dist_placement using (shardid) where logicalrelid = 'd'::regclass and groupid = ${group}`
      const timedOut = { code: '55P03', message: /lock timeout/ }
      for (const session of [holder, writer]) await ask(session, "set lock_timeout = '300ms'")
      await ask(writer, `begin; ${write(1)}`)
      await assert.rejects(ask(holder, hold), timedOut)
      await ask(writer, 'commit')
      await ask(holder, `begin; ${hold}`)
      await assert.rejects(ask(writer, write(1)), timedOut)
      await ask(writer, write(2))
      await ask(holder, 'rollback')
      await ask(writer, write(1))
    } finally {
      await holder.end()
      await writer.end()
    }
  })

  test('who waits for whom', async () => {
    const holder = await serverOf('c').connect()
    const waiter = await serverOf('c').connect()
    try {
      const hold = `select citus_pause_node_within_txn(${nodeId('w1')})`
      const [[gpid] = []] = await ask(holder, `begin; ${hold}; select citus_backend_gpid()`)
      const waiting = ask(waiter, hold)
      const blockers = works('c', 'select blocking_gpid, blocked_statement from citus_lock_waits')
      const seen = async (): Promise<unknown[][] | false> => {
        const rows = await perform(blockers)
        return rows.length > 0 && rows
      }
      const rows = await eventually('the wait is seen', seen, { deadline: 20_000, interval: 50 })
      assert.deepEqual(rows, [[gpid, withPorts(hold)]])
      await ask(holder, 'rollback')
      await waiting
    } finally {
      await holder.end()
      await waiter.end()
    }
  })

  test('a coordinator without memory wipes the worker it adds', async () => await checkAll(amnesia))
})

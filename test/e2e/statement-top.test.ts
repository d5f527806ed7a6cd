// `citus-sidecar top` and the metrics of statements on the log of real servers: what they count is what was done, and where nothing is
// logged they say why.
import assert from 'node:assert/strict'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import type { Client } from 'pg'
import { findBinaries } from '../../deploy/local/binaries.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import type { TopReport, TopShape } from '../../exporters/statements/top-report.ts'
import { joined } from '../support/joining.ts'
import { application, readingEnv, startLogged } from '../support/logged-cluster.ts'
import type { LoggedOptions } from '../support/logged-cluster.ts'

const { citus } = await findBinaries()
const skip = citus === 'citus' ? false : 'real Citus only: the stand-in sends no tasks'
const options: LoggedOptions = { workers: 1 }

suite('the statements of the last minutes', () => {
  let cluster: LocalCluster
  let node: LocalNode
  let client: Client
  before(async () => {
    cluster = await startLogged(options)
    node = cluster.coordinator
    client = await application(node)
    await client.query('create table accounts (id bigint primary key, balance bigint)')
    await client.query('create table orders (id bigint primary key, note text)')
    if (citus === 'citus') await client.query(`select create_distributed_table('orders', 'id', shard_count => 4)`)
  })
  after(async () => {
    await client.end()
    await cluster.down()
  })

  async function top(of: LocalNode, ...args: readonly string[]): Promise<TopReport & { readonly code: number }> {
    const { code, stdout, stderr } = await of.command(['top', '--json', '--limit', '100', ...args])
    assert.ok(code === 0 || code === 3, stderr)
    return { ...(JSON.parse(stdout) as TopReport), code }
  }

  /** What is told of a statement, once it was counted so often. */
  async function counted(of: LocalNode, text: string, count: number, kind = 'client'): Promise<TopShape> {
    return await eventually(`"${text}" is counted ${count} times`, async () => {
      const { shapes } = await top(of, '--kind', kind)
      return shapes.find((shape) => shape.text === text && shape.count === count)
    })
  }

  const sample = (page: string, name: string, labels: string): number =>
    Number(
      page
        .split('\n')
        .find((line) => line.startsWith(`${name}{`) && line.includes(labels))
        ?.split('} ')
        .at(-1),
    )

  test('are counted by shape, with what failed by SQLSTATE, the same by command and by metric', async () => {
    for (let id = 1; id <= 30; id += 1) await client.query(`insert into accounts values (${id}, 100)`)
    for (let turn = 0; turn < 3; turn += 1)
      for (let id = 1; id <= 30; id += 1) {
        await client.query('begin')
        await client.query(`update accounts set balance = balance - ${id} where id = ${id}`)
        await client.query('select balance from accounts where id = $1', [id])
        await client.query('commit')
      }
    for (let id = 1; id <= 7; id += 1)
      await assert.rejects(client.query(`insert into accounts values (${id}, 100)`), { code: '23505' })
    await assert.rejects(client.query(`insert into accounts values (1, 1e300)`), { code: '22003' })
    await client.query('select pg_sleep(0.2)')
    const inserted = await counted(node, 'insert into accounts values(?)', 38)
    assert.deepEqual([inserted.errors, inserted.codes], [8, { '23505': 7, '22003': 1 }])
    assert.equal((await counted(node, 'update accounts set balance = balance - ? where id = ?', 90)).errors, 0)
    assert.equal((await counted(node, 'select balance from accounts where id = ?', 90)).summary, 'SELECT accounts')
    const slept = await counted(node, 'select pg_sleep(?)', 1)
    assert.ok(slept.totalMs >= 200 && (slept.p95Ms ?? 0) >= 190 && (slept.maxMs ?? 0) < 20_000, JSON.stringify(slept))
    await eventually('metrics have the same', async () => {
      const { body } = await node.sidecar.get('/metrics')
      const of = (name: string): number => sample(body, name, `shape="${inserted.id}"`)
      assert.equal(of('citus_sidecar_logged_statements_total'), 38)
      assert.equal(of('citus_sidecar_logged_statement_errors_total'), 8)
      return true
    })
    const { code, stdout } = await node.command(['top', '--by', 'errors'])
    assert.equal(code, 0)
    assert.match(stdout, /INSERT accounts\n +failed: 23505 \(7\), 22003 \(1\)\n/)
  })

  test('are on a worker the tasks that came there, with their shards', { skip }, async () => {
    const worker = cluster.node('worker-1')
    await eventually('the worker knows whose shards these are', async () => {
      await client.query('select note from orders where id = 1')
      return (await top(worker)).shapes.some(({ summary }) => summary === 'SELECT orders')
    })
    const ids = Array.from({ length: 40 }, (_, index) => index + 1)
    for (const id of ids) await client.query(`insert into orders values (${id}, 'a note')`)
    const here = await client.query<{ shard: string; rows: number }>(
      `select s.id::text as shard, count(*)::int as rows
         from unnest($1::bigint[]) i, lateral (select get_shard_id_for_distribution_column('orders', i) as id) s
         join pg_dist_placement p on p.shardid = s.id join pg_dist_node n using (groupid) where n.nodeport = $2 group by 1`,
      [ids, worker.pgPort],
    )
    const wanted = Object.fromEntries(here.rows.map(({ shard, rows }) => [shard, rows]))
    const told = await eventually('all tasks are counted under their table', async () => {
      const { shapes } = await top(worker)
      const found = shapes.filter(({ summary }) => summary === 'INSERT orders')
      assert.deepEqual(Object.assign({}, ...found.map(({ shards }) => shards)), wanted)
      return found
    })
    assert.equal(
      told.reduce((sum, { count }) => sum + count, 0),
      here.rows.reduce((sum, { rows }) => sum + rows, 0),
    )
    assert.doesNotMatch(JSON.stringify(await top(worker)), /a note/)
  })

  test('that are not logged are missed with the reason and what to do', async () => {
    const set = async (settings: Readonly<Record<string, string>>): Promise<void> => {
      for (const [name, value] of Object.entries(settings))
        await node.postgres.query(`alter system set ${name} = '${value}'`)
      await node.postgres.query('select pg_reload_conf()')
    }
    /** Starts the sidecar anew at the end of the log, for what was counted says that all was well. */
    const says = async (reason: RegExp, env = readingEnv(node, options)): Promise<void> => {
      await node.sidecar.stop()
      await rm(join(node.runDir, 'log-positions.json'), { force: true })
      node.sidecar.start(env)
      await joined(node)
      await eventually(`top says ${reason}`, async () => {
        const { unread, code } = await top(node)
        assert.match(unread?.reason ?? '', reason)
        assert.equal(code, 3)
        return true
      })
      const { code, stdout, stderr } = await node.command(['top'])
      assert.deepEqual([code, stdout], [3, ''])
      assert.match(stderr, /^citus-sidecar: .+; .+\n$/)
    }
    await set({ log_min_duration_statement: '-1' })
    await says(/^log_min_duration_statement is off/)
    const empty = join(node.runDir, 'empty')
    await mkdir(empty)
    await says(/^there is no file of jsonlog in .*empty$/, { CITUS_SIDECAR_LOG_DIR: empty })
    await says(/^there is no file of jsonlog in .*nowhere$/, { CITUS_SIDECAR_LOG_DIR: join(node.runDir, 'nowhere') })
    await says(/^CITUS_SIDECAR_STATEMENTS is false$/, { CITUS_SIDECAR_STATEMENTS: 'false' })
    await says(/^CITUS_SIDECAR_LOG_DIR is not set$/, {})
    await set({ log_destination: 'stderr' })
    await says(/^log_destination is "stderr"$/)
    await set({ log_destination: 'jsonlog', log_min_duration_statement: '0' })
    await eventually('all is well', async () => (await top(node)).code === 0)
  })
})

// Own queries of a running sidecar: what they find is in /metrics, and what is wrong with one costs no other.
import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { logTail } from '../../deploy/local/local-error.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { patience, quick, statusOf } from '../support/joining.ts'
import { metricsOf } from '../support/prometheus-text.ts'

const file = `
app_orders:
  query: select state, count(*) as count, sum(amount) as amount from orders group by state
  interval: 1s
  metrics:
    - state: { usage: LABEL, description: "State of the order." }
    - count: { usage: GAUGE, description: "Orders in this state." }
    - amount: { usage: COUNTER }
app_wrong:
  query: select 1 as n
  interval: 1 second
  metrics: [{ n: { usage: GAUGE } }]
app_writing:
  query: select new_order() as n
  interval: 1s
  metrics: [{ n: { usage: GAUGE } }]
app_slow:
  query: select 1 as n from pg_sleep(300)
  interval: 1s
  timeout: 200ms
  metrics: [{ n: { usage: GAUGE } }]
app_missing:
  query: select 1 as n
  interval: 1s
  metrics: [{ m: { usage: GAUGE } }]
app_elsewhere:
  query: select current_database() as name, 1 as here
  interval: 1s
  database: postgres
  metrics: [{ name: { usage: LABEL } }, { here: { usage: GAUGE } }]
app_worker:
  query: select 1 as n
  role: worker
  interval: 1s
  metrics: [{ n: { usage: GAUGE } }]
app_version:
  query: select 1 as n
  runonserver: ">=14.0.0"
  master: true
  metrics: [{ n: { usage: GAUGE } }]
`

suite('own queries', () => {
  const folder = mkdtempSync(join(tmpdir(), 'queries-e2e-'))
  const path = join(folder, 'app.yaml')
  let cluster: LocalCluster

  before(async () => {
    writeFileSync(path, file)
    cluster = await startCluster({ workers: 1, env: { ...quick, CITUS_SIDECAR_QUERIES: folder } })
    const { postgres } = cluster.coordinator
    await postgres.query('create table orders (state text, amount int)')
    if (cluster.kind === 'citus') await postgres.query(`select create_distributed_table('orders', 'state')`)
    await postgres.query(`insert into orders values ('new', 3), ('new', 4), ('done', 5)`)
    await postgres.query(
      `create function new_order() returns int language sql as $$insert into orders values ('new', 1) returning 1$$`,
    )
    await postgres.query('grant select, insert on orders to citus_sidecar')
  })
  after(async () => {
    await cluster.down()
    rmSync(folder, { recursive: true })
  })

  /** Samples of a family by their series. */
  async function told(name: string, { sidecar } = cluster.coordinator): Promise<Readonly<Record<string, number>>> {
    return Object.fromEntries((await metricsOf(sidecar)).get(name)?.samples ?? [])
  }
  async function becomes(
    name: string,
    samples: Readonly<Record<string, number>>,
    node = cluster.coordinator,
  ): Promise<void> {
    const context = (): string => logTail(node.sidecar.logFile)
    await eventually(
      `${name} is told`,
      async () => {
        assert.deepEqual(await told(name, node), samples)
        return true
      },
      { deadline: patience, context },
    )
  }
  /** Waits until a run of a query has failed so. */
  async function fails(name: `query.${string}`, message: RegExp): Promise<void> {
    await eventually(
      `${name} fails`,
      async () => {
        assert.match((await statusOf(cluster.coordinator)).readings[name]?.error?.message ?? 'no error', message)
        return true
      },
      { deadline: patience },
    )
    assert.equal((await told('citus_sidecar_probe_success'))[`citus_sidecar_probe_success{probe="${name}"}`], 0)
  }
  /** Rows that the log has of an event. */
  function said(event: string): readonly Record<string, unknown>[] {
    return cluster.coordinator.sidecar.log().filter((line) => line['event'] === event)
  }

  test('are in /metrics', async () => {
    await becomes('app_orders_count', {
      'app_orders_count{state="done"}': 1,
      'app_orders_count{state="new"}': 2,
    })
    await becomes('app_orders_amount', {
      'app_orders_amount{state="done"}': 5,
      'app_orders_amount{state="new"}': 7,
    })
    const family = (await metricsOf(cluster.coordinator.sidecar)).get('app_orders_count')
    assert.deepEqual([family?.help, family?.type], ['Orders in this state.', 'gauge'])
  })

  test('are told with their line where they are wrong', async () => {
    await becomes('citus_sidecar_queries_wrong', { citus_sidecar_queries_wrong: 1 })
    const [wrong, ...others] = said('queries.wrong')
    assert.deepEqual(others, [])
    assert.deepEqual([wrong?.['file'], wrong?.['line'], wrong?.['column']], [path, 11, 13])
    assert.match(String(wrong?.['reason']), /^app_wrong\.interval: "1 second" is not accepted; allowed: a duration /)
    const checked = await cluster.coordinator.command(['config'])
    assert.equal(checked.code, 3)
    assert.ok(checked.stdout.includes(`own queries: 7 good, problems: 1\n${path}:11:13: app_wrong.interval: `))
    const { code, stdout } = await cluster.coordinator.command(['status'])
    assert.equal(code, 0)
    assert.match(stdout, /^coordinator: problems in own queries: 1; `citus-sidecar config` lists each with file, /m)
    const { stdout: json } = await cluster.coordinator.command(['status', '--json'])
    assert.equal((JSON.parse(json) as { queriesWrong: number }).queriesWrong, 1)
  })

  test('fail alone: one that writes, one that is slow, one that lacks a column', async () => {
    await fails('query.app_writing', /^cannot execute INSERT in a read-only transaction \[25006\]$/)
    await fails('query.app_slow', /^canceling statement due to statement timeout \[57014\]$/)
    await fails('query.app_missing', /^the result has no column m, which the file declares; it has n$/)
    await cluster.coordinator.postgres.query(`insert into orders values ('new', 1)`)
    await becomes('app_orders_count', {
      'app_orders_count{state="done"}': 1,
      'app_orders_count{state="new"}': 3,
    })
    assert.deepEqual(said('session.closed'), [], 'no connection was lost')
    const { ready, readings } = await statusOf(cluster.coordinator)
    assert.ok(ready.ok)
    assert.equal(readings['postgres.replication']?.error, undefined)
  })

  test('are asked in the database, on the role and in the versions that they are for', async () => {
    await becomes('app_elsewhere_here', { 'app_elsewhere_here{name="postgres"}': 1 })
    await becomes('app_version_n', { app_version_n: 1 })
    assert.deepEqual(await told('app_worker_n'), {})
    const [worker] = cluster.workers
    assert.ok(worker)
    await becomes('app_worker_n', { app_worker_n: 1 }, worker)
  })

  test('are taken up when their file changes, without a restart', async () => {
    const { pid } = cluster.coordinator.sidecar
    const next = `${path}.next`
    writeFileSync(next, file.replace('1 second', '1s').replace('sum(amount)', '10 * sum(amount)'))
    renameSync(next, path)
    await becomes('app_wrong_n', { app_wrong_n: 1 })
    await becomes('app_orders_amount', {
      'app_orders_amount{state="done"}': 50,
      'app_orders_amount{state="new"}': 80,
    })
    await becomes('citus_sidecar_queries_wrong', { citus_sidecar_queries_wrong: 0 })
    assert.equal(cluster.coordinator.sidecar.pid, pid)
    assert.doesNotMatch((await cluster.coordinator.command(['status'])).stdout, /own queries/)
  })

  test('let go of their session with the last of them', async () => {
    const { postgres } = cluster.coordinator
    const sessions = async (): Promise<number> =>
      (await postgres.query(`select from pg_stat_activity where application_name = 'citus-sidecar/queries'`)).length
    assert.equal(await sessions(), 1)
    rmSync(path)
    await eventually('it is gone', async () => (await sessions()) === 0, { deadline: patience })
    await becomes('app_orders_count', {})
    assert.deepEqual(said('session.closed'), [])
  })

  test('are not said to be well by a sidecar that does not run', async () => {
    await cluster.coordinator.sidecar.stop()
    const { code, stdout } = await cluster.coordinator.command(['status'])
    assert.equal(code, 0)
    assert.match(stdout, /^coordinator: its sidecar does not say whether own queries are well: no sidecar answers on /m)
  })
})

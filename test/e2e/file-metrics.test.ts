// What a sidecar tells of files beside it, on a real server: its log in every format, WAL that is not archived, volumes, certificates.
import assert from 'node:assert/strict'
import { readdir, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { serverCertificate } from '../support/certificates.ts'
import { eventuallyEqual, joined, patience, quick } from '../support/joining.ts'
import { readMetrics } from '../support/prometheus-text.ts'

suite('metrics of files', () => {
  let cluster: LocalCluster
  before(async () => {
    cluster = await startCluster({
      workers: 2,
      env: quick,
      nodeSettings: {
        coordinator: {
          logging_collector: 'on',
          log_destination: 'stderr,csvlog,jsonlog',
          archive_mode: 'on',
          archive_command: 'false',
        },
      },
    })
    for (const node of cluster.nodes) await joined(node)
    const { postgres, dataDir, sidecar } = cluster.coordinator
    await postgres.query(
      'create table t (id int primary key, n int); insert into t select i from generate_series(1, 100) i',
    )
    await postgres.query('select pg_switch_wal()')
    const certificate = join(cluster.record.ground, 'tls.crt')
    await writeFile(certificate, serverCertificate)
    await sidecar.stop()
    sidecar.start({
      CITUS_SIDECAR_DATA_DIR: dataDir,
      CITUS_SIDECAR_LOG_DIR: join(dataDir, 'log'),
      CITUS_SIDECAR_CERTIFICATES: certificate,
    })
    await eventuallyEqual('the log is followed', async () => await told('citus_sidecar_log_skipped_bytes_total'), 0)
  })
  after(async () => await cluster.down())

  /** The sample of a family whose labels have all of these. */
  async function told(name: string, ...having: readonly string[]): Promise<number | undefined> {
    const page = await cluster.coordinator.sidecar.get('/metrics').catch(() => undefined)
    const samples = [...(page === undefined ? [] : (readMetrics(page.body).get(name)?.samples ?? []))]
    return samples.find(([series]) => having.every((label) => series.includes(label)))?.[1]
  }

  /** Whoever is let go lets the other one go on. */
  async function endWith(session: Awaited<ReturnType<typeof cluster.coordinator.postgres.connect>>, text: string) {
    try {
      await session.query(text)
    } finally {
      await session.query('rollback')
    }
  }

  test('count errors once, whatever formats they are written in', async () => {
    const { postgres } = cluster.coordinator
    for (const _ of [1, 2, 3]) await assert.rejects(postgres.query('select 1 / 0'), { code: '22012' })
    await eventuallyEqual('errors', async () => await told('citus_sidecar_log_errors_total', 'class="22"'), 3)
    assert.ok(((await told('citus_sidecar_log_lines_total', 'severity="ERROR"')) ?? 0) >= 3)
    assert.equal(await told('citus_sidecar_distributed_deadlocks_total'), 0)
  })

  test('tell of WAL, of the volume and of certificates', async () => {
    const { dataDir } = cluster.coordinator
    const names = await readdir(join(dataDir, 'pg_wal', 'archive_status'))
    assert.ok(names.some((name) => name.endsWith('.ready')))
    assert.ok(((await told('citus_sidecar_wal_ready_segments')) ?? 0) >= 1)
    const since = (await told('citus_sidecar_wal_ready_oldest_timestamp_seconds')) ?? 0
    assert.ok(Math.abs(Date.now() / 1_000 - since) < 600)
    const { bsize, blocks } = await statfs(dataDir)
    assert.equal(await told('citus_sidecar_volume_size_bytes', 'volume="data"'), bsize * blocks)
    assert.equal(await told('citus_sidecar_certificate_readable'), 1)
    assert.ok(((await told('citus_sidecar_certificate_expiry_timestamp_seconds', 'CN=localhost')) ?? 0) > 4e9)
  })

  test('count a deadlock across nodes that Citus resolved', async (t) => {
    if (cluster.kind !== 'citus') return t.skip('real Citus only: the stand-in moves no data')
    const { postgres } = cluster.coordinator
    await postgres.query(`select create_distributed_table('t', 'id', shard_count => 8)`)
    const [one, two] = [await postgres.connect(), await postgres.connect()]
    try {
      const rows = await postgres.query<{ id: number }>(
        `select min(t.id) as id from t join pg_dist_placement p on p.shardid = get_shard_id_for_distribution_column('t', t.id) group by groupid`,
      )
      const [a, b] = rows.map(({ id }) => id)
      const update = (id: number | undefined): string => `update t set n = 1 where id = ${id}`
      await one.query('begin')
      await two.query('begin')
      await one.query(update(a))
      await two.query(update(b))
      const ends = await Promise.allSettled([endWith(one, update(b)), endWith(two, update(a))])
      const [failed] = ends.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
      assert.match(String(failed?.reason), /canceling the transaction since it was involved in a distributed deadlock/)
    } finally {
      await Promise.all([one.end(), two.end()])
    }
    await eventually(
      'the deadlock is counted',
      async () => (await told('citus_sidecar_distributed_deadlocks_total')) === 1,
      { deadline: patience },
    )
  })
})

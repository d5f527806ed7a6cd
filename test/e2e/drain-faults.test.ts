// What a drain does when something is in its way: it says what was left undone and ends in time.
import assert from 'node:assert/strict'
import type { Client } from 'pg'
import { after, before, beforeEach, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { sendSignal } from '../../deploy/local/process-table.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { beginDrain, cancelDrain, drained, drainView, inPhase, phasesOf } from '../support/draining.ts'
import { joined, quick } from '../support/joining.ts'

suite('a drain with something in its way', () => {
  let cluster: LocalCluster
  let worker: LocalNode
  before(async () => {
    cluster = await startCluster({
      workers: 1,
      postgresSettings: { archive_mode: 'on', archive_command: 'true' },
      env: {
        ...quick,
        CITUS_SIDECAR_HOLD: 'none',
        CITUS_SIDECAR_UNREADY_WAIT: '0ms',
        CITUS_SIDECAR_GRACE_PERIOD: '12s',
        CITUS_SIDECAR_STOP_RESERVE: '2s',
      },
    })
    const [first] = cluster.workers
    assert.ok(first)
    worker = first
  })
  beforeEach(async () => await joined(worker))
  after(async () => await cluster.down())

  /** A setting of the server that holds while `during` runs. */
  async function withSetting(name: string, value: string, during: () => Promise<void>): Promise<void> {
    await worker.postgres.query(`alter system set ${name} = '${value}'`)
    await worker.postgres.query('select pg_reload_conf()')
    try {
      await during()
    } finally {
      await worker.postgres.query(`alter system reset ${name}`)
      await worker.postgres.query('select pg_reload_conf()')
      await cancelDrain(worker)
    }
  }

  const archiving: readonly [what: string, command: string, prepare: RegExp][] = [
    ['succeeds', 'true', /^done$/],
    ['is slow', 'sleep 0.3', /^done$/],
    ['fails', 'false', /^failed: archive_command fails: \d+ WAL segments up to \w{24} are not archived$/],
    ['hangs', 'sleep 8', /^failed: \d+ WAL segments up to \w{24} were not archived in time$/],
    ['is absent', '', /^failed: \d+ WAL segments up to \w{24} were not archived in time$/],
  ]
  for (const [what, command, prepare] of archiving) {
    test(`whose archive_command ${what} does everything else all the same`, async () => {
      await worker.postgres.query('create table if not exists some_wal (n integer)')
      await worker.postgres.query('insert into some_wal select 1')
      await withSetting('archive_command', command, async () => {
        await beginDrain(worker)
        const done = await drained(worker)
        const { prepare: found, hold, ...rest } = phasesOf(done)
        assert.match(found ?? '', prepare)
        assert.equal(hold, 'skipped')
        assert.deepEqual(new Set(Object.values(rest)), new Set(['done']))
        assert.equal(done.end?.ok, found === 'done')
      })
    })
  }

  test('cuts a transaction that never ends, and names it', async () => {
    const client = await worker.postgres.connect()
    client.on('error', () => undefined)
    await client.query(`set application_name = 'stubborn'`)
    await client.query('begin')
    await client.query('select txid_current()')
    await beginDrain(worker)
    const done = await drained(worker)
    assert.match(
      phasesOf(done)['drain'] ?? '',
      /^failed: 1 transactions did not end in time and were cut: stubborn of postgres \(pid \d+\)$/,
    )
    assert.equal(phasesOf(done)['flush'], 'done')
    await assert.rejects(client.query('commit'))
    await cancelDrain(worker)
  })

  test('does not wait for ever for a synchronous standby that is gone', async () => {
    await withSetting('synchronous_standby_names', 'gone', async () => {
      await beginDrain(worker)
      const found = phasesOf(await drained(worker))
      assert.equal(found['flush'], 'failed: synchronous_standby_names is set, and no synchronous standby is connected')
      assert.equal(found['keep'], 'done')
    })
  })

  test('is over when PostgreSQL dies in the middle, and the node comes back', async () => {
    const client = await worker.postgres.connect()
    client.on('error', () => undefined)
    await client.query('begin')
    await client.query('select txid_current()')
    await beginDrain(worker)
    await inPhase(worker, 'drain')
    await worker.postgres.kill()
    const done = await drained(worker)
    // Its processes die one after the other: whether the client or the sidecar's own session goes first is chance, and so is the phase.
    assert.ok(Object.values(phasesOf(done)).some((found) => found.startsWith('failed: ')))
    assert.equal(done.end?.ok, false)
    await worker.postgres.start()
    await joined(worker)
  })

  test('empties a server that has no free slot, on a connection that is held', async () => {
    const clients: Client[] = []
    const fill = async (): Promise<void> => {
      for (;;) clients.push(await worker.postgres.connect({ user: 'citus_sidecar' }))
    }
    await assert.rejects(fill(), { code: '53300' })
    await beginDrain(worker)
    const done = await drained(worker)
    assert.deepEqual(done.end, { ok: true, reason: '' })
    for (const client of clients) await client.end().catch(() => undefined)
    await cancelDrain(worker)
    await joined(worker)
  })

  test('goes on when PostgreSQL crashes and recovers under the same postmaster', async () => {
    const client = await worker.postgres.connect()
    client.on('error', () => undefined)
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    await client.query('begin; select txid_current()')
    await beginDrain(worker)
    await inPhase(worker, 'drain')
    sendSignal(rows[0]?.pid ?? 0, 'SIGKILL')
    const done = await drained(worker)
    assert.deepEqual(done.end, { ok: true, reason: '' })
    await cancelDrain(worker)
    await joined(worker)
  })

  test('cancelled in the middle leaves a ready node and the client its transaction', async () => {
    const client = await worker.postgres.connect()
    await client.query('begin')
    await client.query('select txid_current()')
    await beginDrain(worker)
    await inPhase(worker, 'drain')
    await cancelDrain(worker)
    await joined(worker)
    await client.query('commit')
    await client.end()
  })

  test('of which the sidecar is told to stop serves on until PostgreSQL is gone', async () => {
    const client = await worker.postgres.connect()
    client.on('error', () => undefined)
    await client.query('begin')
    await client.query('select txid_current()')
    await beginDrain(worker)
    await inPhase(worker, 'drain')
    const ended = worker.sidecar.stop()
    assert.equal((await worker.sidecar.get('/livez')).status, 200)
    await client.query('commit')
    await drained(worker)
    await worker.postgres.stop()
    assert.equal(await ended, 0)
    await worker.postgres.start()
    await worker.sidecar.restart()
  })

  test('of which the sidecar is told to stop serves on until its time is up where PostgreSQL never stops, and ends well', async () => {
    await beginDrain(worker)
    await drained(worker)
    // The drain has 10 s, and PostgreSQL 2 s after them: longer than a sidecar that hangs at its end is let live.
    assert.equal(await worker.sidecar.stop(), 0)
    await worker.sidecar.restart()
    // Its control socket opens after its port.
    await eventually('the next one knows the drain', async () => (await drainView(worker).catch(() => null))?.end?.ok)
    await cancelDrain(worker)
    await joined(worker)
  })
})

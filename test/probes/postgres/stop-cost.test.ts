// What a stop would cost, as a real server says it: dirty data, the archiver at ease, failing and hanging, clients, prepared transactions.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { stopCost, toStopCost } from '../../../probes/postgres/stop-cost.ts'
import type { StopCost, StopCostRow } from '../../../probes/postgres/stop-cost.ts'
import { eventually } from '../../../deploy/local/eventually.ts'
import { startPostgres } from '../../../deploy/local/lone-server.ts'
import type { LoneServer } from '../../../deploy/local/lone-server.ts'
import { probeLimits } from '../../support/probe-limits.ts'
import { probeContext, scriptedSql } from '../../support/scripted-sql.ts'

const row: StopCostRow = {
  now: 100_000,
  startedAt: 1_000,
  lsn: 5_000_000,
  walBytes: 3_000_000,
  sharedBuffersBytes: 134_217_728,
  checkpointBytes: 8_192,
  checkpointMs: 12,
  archives: true,
  archived: 10,
  waiting: 0,
  archivedAt: 90_000,
  failedAt: null,
  closedAt: 89_000,
  oldestAt: null,
  clients: 2,
  longestMs: null,
  longestWho: null,
  prepared: 0,
  preparedMs: null,
}
const archiverOf = (change: Partial<StopCostRow>, before?: Partial<StopCostRow>) =>
  toStopCost({ ...row, ...change }, before === undefined ? undefined : { ...row, ...before }).archiver

suite('a row of what a stop would cost', () => {
  test('becomes a reading; what takes two rows is unknown at the first', () => {
    assert.deepEqual(toStopCost(row, undefined), {
      startedAt: 1_000,
      walBytes: 3_000_000,
      walBytesPerSecond: undefined,
      sharedBuffersBytes: 134_217_728,
      checkpointBytes: 8_192,
      checkpointMs: 12,
      archiver: { waiting: 0, busyMs: 0, segmentMs: 1_000, failedMsAgo: undefined },
      clients: 2,
      longest: undefined,
      prepared: 0,
      preparedMs: 0,
    })
  })

  test('has the WAL of each second since the one before', () => {
    const before = { ...row, now: 90_000, lsn: 4_000_000 }
    assert.equal(toStopCost(row, before).walBytesPerSecond, 100_000)
    assert.equal(toStopCost(row, { ...row }).walBytesPerSecond, undefined)
  })

  const segments: readonly [string, ReturnType<typeof archiverOf>, number | undefined][] = [
    ['from its close to its archiving', archiverOf({}), 1_000],
    ['by their pace, where the last one has waited', archiverOf({ archived: 31 }, { now: 90_000 }), 500],
    ['not by the pace of those that rest in between', archiverOf({ archived: 12 }, { now: 40_000 }), 1_000],
    ['by no pace of one, which may have begun before', archiverOf({ closedAt: null, archived: 11 }, {}), undefined],
    ['unknown where none was archived', archiverOf({ archivedAt: null, closedAt: null, archived: 0 }), undefined],
    ['unknown where its file is gone', archiverOf({ closedAt: null }), undefined],
  ]
  for (const [what, archiver, ms] of segments)
    test(`has the time of one segment ${what}`, () => assert.equal(archiver?.segmentMs, ms))

  test('has an archiver that is busy since it had the last one, or since the oldest waits', () => {
    assert.equal(archiverOf({ waiting: 3, oldestAt: 50_000 })?.busyMs, 10_000)
    assert.equal(archiverOf({ waiting: 3, oldestAt: 95_000 })?.busyMs, 5_000)
    assert.equal(archiverOf({ waiting: 3, oldestAt: 50_000, archivedAt: null })?.busyMs, 50_000)
    assert.equal(archiverOf({ waiting: 0, oldestAt: null })?.busyMs, 0)
  })

  test('has an archiver that fails until it succeeds', () => {
    assert.equal(archiverOf({ failedAt: 95_000 })?.failedMsAgo, 5_000)
    assert.equal(archiverOf({ failedAt: 95_000, archivedAt: null })?.failedMsAgo, 5_000)
    assert.equal(archiverOf({ failedAt: 80_000 })?.failedMsAgo, undefined)
    assert.equal(archiverOf({ archives: false, failedAt: 95_000 }), undefined)
  })
})

test('the probe compares only runs of one and the same run of the server', async () => {
  const rows = [row, { ...row, now: 110_000, lsn: 6_000_000 }, { ...row, startedAt: 2_000, now: 120_000 }]
  const probe = stopCost(probeLimits)
  const rates: unknown[] = []
  for (const next of rows) {
    const sql = scriptedSql(
      { when: /server_version_num/, rows: [{ since17: true }] },
      { when: /checkpointer/, rows: [next] },
    )
    rates.push((await probe.read(probeContext(sql), AbortSignal.timeout(5_000))).walBytesPerSecond)
  }
  assert.deepEqual(rates, [undefined, 100_000, undefined])
  await assert.rejects(probe.read(probeContext(scriptedSql()), AbortSignal.timeout(5_000)), /without a row/)
})

suite('a server asked what its stop would cost', () => {
  let server: LoneServer
  before(async () => {
    server = await startPostgres({ settings: { archive_mode: 'on', archive_command: 'true' } })
    await server.postgres.query('create table filled (n integer)')
  })
  after(async () => await server.down())

  const probe = stopCost(probeLimits)
  const read = async (): Promise<StopCost> => {
    const query = async <Row extends object>(text: string) => (await server.postgres.query(text)) as Row[]
    return await probe.read({ ...probeContext(scriptedSql()), sql: { query } }, AbortSignal.timeout(60_000))
  }
  const archiver = async () => {
    const found = (await read()).archiver
    assert.ok(found !== undefined)
    return found
  }
  const archiveBy = async (command: string): Promise<void> => {
    await server.postgres.query(`alter system set archive_command = '${command}'`)
    await server.postgres.query('select pg_reload_conf()')
  }
  const closeSegment = async (): Promise<void> => {
    await server.postgres.query('insert into filled select 1')
    await server.postgres.query('select pg_switch_wal()')
  }

  test('says how much WAL a checkpoint has to catch up with, and how fast they have been', async () => {
    await server.postgres.query('checkpoint')
    const idle = await read()
    await server.postgres.query('insert into filled select generate_series(1, 100000)')
    const dirty = await read()
    assert.ok(dirty.walBytes - idle.walBytes > 5_000_000, `${idle.walBytes} and ${dirty.walBytes}`)
    assert.ok((dirty.walBytesPerSecond ?? 0) > 0)
    assert.equal(dirty.sharedBuffersBytes, 16 * 1_048_576)
    await server.postgres.query('checkpoint')
    const clean = await eventually('the checkpoint is in the statistics', async () => {
      const now = await read()
      return now.checkpointBytes - dirty.checkpointBytes > 3_000_000 ? now : undefined
    })
    assert.ok(clean.walBytes < 1_000_000, String(clean.walBytes))
    assert.ok(clean.checkpointMs >= dirty.checkpointMs)
  })

  test('says how long a segment takes, and that archive_command fails or hangs', async () => {
    await closeSegment()
    await eventually('one is archived', async () => (await archiver()).segmentMs !== undefined)
    await archiveBy('false')
    await closeSegment()
    const failing = await eventually('it fails', async () => {
      const now = await archiver()
      return now.failedMsAgo === undefined ? undefined : now
    })
    assert.ok(failing.waiting > 0)
    await archiveBy('sleep 600')
    // The archiver rests for a minute after three failures, but not where a segment is closed meanwhile.
    await closeSegment()
    const first = await archiver()
    const second = await eventually('it is at it', async () => {
      const now = await archiver()
      return now.busyMs > first.busyMs ? now : undefined
    })
    assert.ok(second.waiting > 0)
  })

  test('says who is connected, and whose transaction is the oldest', async () => {
    const idle = await read()
    const client = await server.postgres.connect()
    await client.query(`set application_name = 'etl'`)
    await client.query('begin')
    await client.query('select 1')
    const busy = await read()
    assert.equal(busy.clients, idle.clients + 1)
    assert.match(busy.longest?.who ?? '', /^etl of postgres \(pid \d+\)$/)
    assert.ok((busy.longest?.ms ?? -1) >= 0)
    await client.query('rollback')
    assert.equal((await read()).longest, undefined)
    await client.end()
  })

  test('says which two-phase commits of Citus are prepared', async () => {
    assert.deepEqual([(await read()).prepared, (await read()).preparedMs], [0, 0])
    for (const gid of ['citus_0_1_2_3', 'of_somebody_else'])
      await server.postgres.query(`begin; insert into filled values (1); prepare transaction '${gid}'`)
    const found = await read()
    assert.equal(found.prepared, 1)
    assert.ok(found.preparedMs > 0)
    for (const gid of ['citus_0_1_2_3', 'of_somebody_else']) await server.postgres.query(`rollback prepared '${gid}'`)
  })
})

test('a server that archives nothing has no archiver', async () => {
  await using server = await startPostgres()
  const query = async <Row extends object>(text: string) => (await server.postgres.query(text)) as Row[]
  const found = await stopCost(probeLimits).read(
    { ...probeContext(scriptedSql()), sql: { query } },
    AbortSignal.timeout(60_000),
  )
  assert.equal(found.archiver, undefined)
})

// What the ledger's functions make of a member's silence: its address, its old name, and what it left open.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import { readMembers } from '../../../agent/cluster/ledger.ts'
import type { LocalCluster } from '../../../deploy/local/local-cluster.ts'
import { startCluster } from '../../../deploy/local/start-cluster.ts'

const announcement = {
  name: 'worker-9',
  role: 'worker',
  host: 'localhost',
  port: 1,
  system_identifier: '42',
  timeline: 2,
}

suite("the ledger's functions", () => {
  let cluster: LocalCluster
  /** One statement as the sidecar's role. */
  const as = async (sql: string, values: readonly unknown[] = []): Promise<readonly Record<string, unknown>[]> => {
    const client = await cluster.coordinator.postgres.connect()
    try {
      await client.query('set role citus_sidecar')
      return (await client.query<Record<string, unknown>>(sql, [...values])).rows
    } finally {
      await client.end()
    }
  }
  const say = async (change: object): Promise<void> => {
    const said = { ...announcement, lsn: '0/5000000', in_recovery: false, ...change }
    await as('select citus_sidecar.announce($1::jsonb)', [JSON.stringify(said)])
  }

  before(async () => {
    cluster = await startCluster({ workers: 0, sidecars: false })
  })
  after(async () => await cluster.down())

  test('keep an address for a member as long as it promised to be silent', async () => {
    const silentFor = async (name: string, seconds: number): Promise<void> => {
      await cluster.coordinator.postgres.query(
        'update citus_sidecar.members set last_seen = clock_timestamp() - make_interval(secs => $2) where name = $1',
        [name, seconds],
      )
    }
    const old = { name: 'old-7', port: 7, system_identifier: '7' }
    const taken = async (heartbeat: number | undefined, seconds: number): Promise<boolean> => {
      await say({ ...old, heartbeat_seconds: heartbeat })
      await silentFor('old-7', seconds)
      return await say({ ...old, name: 'new-7' }).then(
        () => false,
        () => true,
      )
    }
    assert.equal(await taken(undefined, 110), true)
    assert.equal(await taken(600, 2_000), true)
    assert.equal(await taken(1, 130), false)
    await cluster.coordinator.postgres.query("delete from citus_sidecar.members where name in ('old-7', 'new-7')")
  })

  test('give a renamed node the place of its old name once that is lost, and of nobody else', async () => {
    const same = { system_identifier: '77', timeline: 2 }
    await say({ ...same, name: 'old', port: 71 })
    await say({ ...same, name: 'its-standby', port: 72, in_recovery: true })
    await say({ ...same, name: 'before-a-promotion', port: 73, timeline: 1 })
    const takeOver = async (): Promise<unknown> =>
      await as("select citus_sidecar.take_over_members('new', '77', 2) as name")
    const left = async (): Promise<unknown> =>
      (await as("select name from citus_sidecar.members where system_identifier = '77' order by name")).map(
        ({ name }) => name,
      )
    assert.deepEqual(await takeOver(), [{ name: 'old' }])
    assert.deepEqual(await left(), ['before-a-promotion', 'its-standby', 'old'])
    await cluster.coordinator.postgres.query(
      "update citus_sidecar.members set last_seen = last_seen - interval '76 s' where system_identifier = '77'",
    )
    assert.deepEqual(await takeOver(), [])
    assert.deepEqual(await left(), ['before-a-promotion', 'its-standby'])
    await cluster.coordinator.postgres.query("delete from citus_sidecar.members where system_identifier = '77'")
  })

  test('close what a member left open, when it begins anew or is announced by a new process', async () => {
    const record = async (id: string, more: object = {}): Promise<void> => {
      const operation = { id, member: 'worker-9', kind: 'add', phase: 'acting', outcome: null, reason: null, ...more }
      await as('select citus_sidecar.record_operation($1::jsonb)', [JSON.stringify(operation)])
    }
    const ids = Array.from({ length: 5 }, () => randomUUID())
    const [cut = '', drain = '', other = '', next = '', open = ''] = ids
    const outcomes = async (): Promise<unknown> => {
      const rows = await as(
        'select id, outcome, ended_at is not null as ended from citus_sidecar.operations where id = any($1)',
        [ids],
      )
      return ids.flatMap((id) => rows.filter((row) => row['id'] === id).map(({ outcome, ended }) => [outcome, ended]))
    }
    const running = [null, false]
    const interrupted = ['interrupted', true]
    await record(cut)
    await record(drain, { kind: 'drain' })
    await record(other, { member: 'worker-8' })
    await record(cut, { reason: 'still at it' })
    assert.deepEqual(await outcomes(), [running, running, running])
    await record(next, { kind: 'activate' })
    assert.deepEqual(await outcomes(), [interrupted, running, running, running])
    await record(next, { kind: 'activate', outcome: 'succeeded' })
    await record(open)
    await say({ lsn: '0/5000000' })
    assert.deepEqual((await outcomes()) as unknown[], [interrupted, running, running, ['succeeded', true], running])
    await say({ lsn: '0/5000000', first: true })
    assert.deepEqual(await outcomes(), [interrupted, running, running, ['succeeded', true], interrupted])
    await cluster.coordinator.postgres.query('delete from citus_sidecar.operations where id = any($1)', [ids])
  })

  test('are not needed to read the members of an older ledger, which has no heartbeats', async () => {
    const { postgres } = cluster.coordinator
    await say({ heartbeat_seconds: 7 })
    const beats = async (): Promise<unknown> =>
      (
        await readMembers({
          query: async <Row extends object>(text: string) => (await postgres.query(text)) as readonly Row[],
        })
      ).map(({ name, heartbeatSeconds }) => [name, heartbeatSeconds])
    assert.deepEqual(await beats(), [['worker-9', 7]])
    await postgres.query('alter table citus_sidecar.members drop column heartbeat_seconds')
    assert.deepEqual(await beats(), [['worker-9', null]])
  })
})

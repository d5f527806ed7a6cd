// Restarts of a real PostgreSQL as a sidecar counts them: by people, by the loss of the postmaster, by the crash of one process.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { logTail } from '../../deploy/local/local-error.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { sendSignal } from '../../deploy/local/process-table.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { joined, patience, quick, statusOf } from '../support/joining.ts'
import { metricsOf } from '../support/prometheus-text.ts'

const family = 'citus_sidecar_postgres_restarts_total'

suite('restarts of PostgreSQL', () => {
  let cluster: LocalCluster
  let node: LocalNode
  before(async () => {
    cluster = await startCluster({ workers: 0, env: quick })
    node = cluster.coordinator
  })
  after(async () => await cluster.down())

  async function told(): Promise<Readonly<Record<string, number>>> {
    return Object.fromEntries((await metricsOf(node.sidecar)).get(family)?.samples ?? [])
  }
  async function become(postmaster: number, crash: number): Promise<void> {
    await eventually(
      'they are counted',
      async () => {
        assert.deepEqual(await told(), {
          [`${family}{kind="postmaster"}`]: postmaster,
          [`${family}{kind="crash"}`]: crash,
        })
        return true
      },
      { deadline: patience, context: () => logTail(node.sidecar.logFile) },
    )
    await joined(node)
  }

  test('are none where there were none', async () => {
    await become(0, 0)
  })

  test('by a person count as those of the postmaster', async () => {
    await node.postgres.restart()
    await become(1, 0)
  })

  test('after kill -9 of the postmaster count so, too', async () => {
    await node.postgres.kill()
    await node.postgres.start()
    await become(2, 0)
  })

  test('after kill -9 of a session are crashes under the same postmaster', async () => {
    const started = (await statusOf(node)).readings['postgres.identity']?.value?.startedAt
    const session = await node.postgres.connect()
    const { rows } = await session.query<{ pid: number }>('select pg_backend_pid() as pid')
    sendSignal(rows[0]?.pid ?? 0, 'SIGKILL')
    await become(2, 1)
    assert.equal((await statusOf(node)).readings['postgres.identity']?.value?.startedAt, started)
  })

  test('are not lost with the sidecar, and those that it missed are counted when it is back', async () => {
    await node.sidecar.kill()
    node.sidecar.start()
    await become(2, 1)
    await node.sidecar.stop()
    await node.postgres.restart()
    node.sidecar.start()
    await become(3, 1)
  })

  test('are none when sessions are ended or the settings are read again', async () => {
    const before = (await statusOf(node)).readings['postgres.identity']?.begunAt ?? 0
    await node.postgres.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'citus-sidecar/%'`,
    )
    await node.postgres.query('select pg_reload_conf()')
    await eventually(
      'it has looked again',
      async () => ((await statusOf(node)).readings['postgres.identity']?.begunAt ?? 0) > before,
      { deadline: patience },
    )
    await become(3, 1)
  })
})

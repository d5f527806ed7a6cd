// A node stops while a peer is frozen: its Citus maintenance daemon waits for that peer, so the fast stop hangs (citus#7919) until it is
// killed. Whatever must be on disk then is there before the preStop script returns.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { promisify } from 'node:util'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { sendSignal } from '../../deploy/local/process-table.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { nothingIsLeft } from '../support/aftermath.ts'
import { drainView, inPhase, phasesOf } from '../support/draining.ts'
import { joined, patience, quick } from '../support/joining.ts'
import { keysOn, makeWritten } from '../support/node-holds.ts'

const run = promisify(execFile)

suite('a coordinator that stops while a worker is frozen', () => {
  let cluster: LocalCluster
  let coordinator: LocalNode
  let frozen: LocalNode
  before(async () => {
    cluster = await startCluster({
      workers: 2,
      postgresSettings: { archive_mode: 'on', archive_command: 'true' },
      env: { ...quick, CITUS_SIDECAR_UNREADY_WAIT: '0ms', CITUS_SIDECAR_GRACE_PERIOD: '30s' },
    })
    ;[coordinator, frozen] = [cluster.coordinator, cluster.node('worker-1')]
    for (const node of cluster.nodes) await joined(node)
  })
  after(async () => {
    frozen.postgres.thaw()
    await cluster.down()
  })

  /** Processes of the server besides its postmaster, by what they are. */
  const left = (): readonly string[] =>
    coordinator.postgres
      .processes()
      .flatMap(({ commandLine }) => /^postgres: \S+ (.*?)\s*\0*$/.exec(commandLine)?.[1] ?? [])

  test('has everything on disk when the script returns, and loses nothing when the stop hangs and is killed', async (t) => {
    if (cluster.kind !== 'citus') return t.skip('real Citus only: the stand-in has no maintenance daemon')
    const { postgres } = coordinator
    await makeWritten(cluster)
    const [key] = await keysOn(cluster, cluster.node('worker-2'))
    await postgres.query('create table kept_here (n integer)')
    await postgres.query('insert into kept_here values (1)')
    await postgres.query(`insert into written values (${key})`)
    const [written] = await postgres.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn')
    await frozen.postgres.freeze()
    const late = await postgres.connect()
    await late.query('begin; insert into kept_here values (2)')

    // The worker's part of two-phase commits stays undone, which the script says with its exit code.
    const script = run(join(coordinator.runDir, 'prestop')).catch(() => undefined)
    await inPhase(coordinator, 'drain')
    await late.query('commit')
    await late.end().catch(() => undefined)
    await script
    const view = await drainView(coordinator)
    assert.ok(view)
    const { settle: _unsettled, ...phases } = phasesOf(view)
    assert.deepEqual(new Set(Object.values(phases)), new Set(['done']))
    const [found] = await postgres.query(
      `select c.redo_lsn >= $1::pg_lsn as checkpointed, a.last_archived_wal >= pg_walfile_name($1::pg_lsn) as archived,
              (select state->>'operation' from citus_sidecar.last_stop) as kept
         from pg_control_checkpoint() c, pg_stat_archiver a`,
      [written?.lsn],
    )
    assert.deepEqual(found, { checkpointed: true, archived: true, kept: view.id })

    sendSignal(postgres.pid ?? 0, 'SIGINT')
    // The archiver waits for the last checkpoint, which waits for the daemon.
    await eventually(
      'the daemon alone keeps it',
      () => left().every((one) => /^(?:checkpointer|archiver|Citus Maintenance)/.test(one)),
      {
        deadline: patience,
        context: () => left().join('; '),
      },
    )
    assert.ok(
      left().some((one) => one.startsWith('Citus Maintenance')),
      left().join('; '),
    )
    await postgres.kill()
    await postgres.start()
    assert.deepEqual(await postgres.query('select n from kept_here order by n'), [{ n: 1 }, { n: 2 }])
    assert.deepEqual(await postgres.query(`select count(*)::int as n from written where key = ${key}`), [{ n: 1 }])
    frozen.postgres.thaw()
    await nothingIsLeft(cluster, coordinator, view.id)
  })
})

// A drain on record on the coordinator: its phases and the state at the stop, also where the coordinator was away, the ledger is
// that of the version before, or the node returns without what it had written down itself.
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { schemaVersion } from '../../agent/cluster/schema.ts'
import { phaseNames } from '../../agent/drain/machine.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { requestHold } from '../../agent/hold/hold-ledger.ts'
import { emptyVolume } from '../../deploy/local/volume.ts'
import { beginDrain, cancelDrain, drained } from '../support/draining.ts'
import { eventuallyEqual, joined, patience, quick } from '../support/joining.ts'
import { ledgerOf } from '../support/pool-holds.ts'
import { prepareNode } from '../support/volumes.ts'

/** What each phase comes to where no hold is asked for. */
const outcomes = phaseNames.map((phase) => ({ phase, outcome: phase === 'hold' ? 'skipped' : 'done' }))

suite('a drain in the ledger', () => {
  let cluster: LocalCluster
  let worker: LocalNode
  before(async () => {
    cluster = await startCluster({
      workers: 1,
      env: {
        ...quick,
        CITUS_SIDECAR_HOLD: 'none',
        CITUS_SIDECAR_UNREADY_WAIT: '0ms',
        CITUS_SIDECAR_GRACE_PERIOD: '60s',
      },
    })
    worker = cluster.node('worker-1')
  })
  after(async () => await cluster.down())

  const ledger = async (sql: string): Promise<Record<string, unknown>[]> =>
    await cluster.coordinator.postgres.query(sql)
  const phasesOf = async (id: string): Promise<unknown> =>
    await ledger(
      `select phase, outcome, member, took_ms >= 0 and began > now() - interval '1 hour' as timed
         from citus_sidecar.drain_phases where operation = '${id}' order by began, array_position('{${phaseNames.join(',')}}', phase)`,
    )
  const operationOf = async (id: string): Promise<unknown> =>
    await ledger(`select phase, outcome from citus_sidecar.operations where id = '${id}'`)
  const allThere = async (id: string): Promise<void> => {
    const rows = outcomes.map((row) => ({ ...row, member: 'worker-1', timed: true }))
    await eventuallyEqual('every phase is a row', async () => await phasesOf(id), rows)
  }
  /** Drains the worker and stops everything of its pod, whose volume for handshakes goes with it. */
  const leavePod = async (): Promise<string> => {
    const { id, end } = await drainWorker()
    assert.equal(end?.ok, true, end?.reason)
    await allThere(id)
    // As the drain would have asked for it with a pooler there; far longer than the test waits.
    await requestHold(ledgerOf(cluster), { id, member: worker.name, kinds: ['pool'], seconds: 300 })
    await worker.sidecar.kill()
    await worker.postgres.stop()
    await rm(join(worker.runDir, 'drain.json'))
    return id
  }
  const drainWorker = async (): Promise<Awaited<ReturnType<typeof drained>>> => {
    await joined(worker)
    await beginDrain(worker)
    return await drained(worker)
  }
  const said = (event: string, id: string): Record<string, unknown> | undefined =>
    worker.sidecar.log().find((line) => line['event'] === event && line['operation'] === id)
  const saysWhatIsDifferent = async (id: string): Promise<readonly unknown[]> => {
    const line = await eventually('the differences are told', () => said('drain.different', id), { deadline: patience })
    return Array.isArray(line['differences']) ? line['differences'] : []
  }

  test('has a row for each phase, and the state until the node is back', async () => {
    const { id } = await drainWorker()
    await allThere(id)
    const state = `select operation = '${id}' as mine, state->>'node' as node, jsonb_array_length(state->'nodes') as nodes, state->'settings'->>'archive_command' ~ '^sha256:[0-9a-f]{64}$' as hashed, returned_at is not null as returned
                     from citus_sidecar.stop_states where member = 'worker-1'`
    const kept = { mine: true, node: 'worker-1', nodes: 2, hashed: true, returned: false }
    assert.deepEqual(await ledger(state), [kept])
    await worker.postgres.restart()
    await joined(worker)
    await eventuallyEqual('the state is history', async () => await ledger(state), [{ ...kept, returned: true }])
    assert.equal(said('drain.different', id), undefined)
  })

  test('has the phases later where the coordinator was away, and the drain does not wait for it', async () => {
    await joined(worker)
    await cluster.coordinator.postgres.stop()
    await beginDrain(worker)
    const done = await drained(worker)
    const keep = done.phases.find(({ name }) => name === 'keep')
    assert.equal(keep?.state, 'done')
    assert.match(keep.reason, /on this node alone, for the ledger did not take it: ./)
    await cluster.coordinator.postgres.start()
    await allThere(done.id)
    assert.equal((await ledger(`select from citus_sidecar.stop_states where operation = '${done.id}'`)).length, 1)
    await cancelDrain(worker)
    await joined(worker)
  })

  test('lets a new pod release what the old one held, and compare', async () => {
    const id = await leavePod()
    await worker.postgres.start()
    await worker.postgres.query(`alter system set max_connections = 90`)
    await worker.postgres.restart()
    worker.sidecar.start()
    await eventually(
      'the hold is released',
      async () => {
        const [hold] = await ledger(
          `select reason from citus_sidecar.holds where id = '${id}' and released_at is not null`,
        )
        return hold?.['reason'] === 'the node is back'
      },
      { deadline: patience },
    )
    assert.deepEqual(
      (await saysWhatIsDifferent(id)).map((one) => String(one).replace(/"\d+" and/, '')),
      ['max_connections was  is "90"'],
    )
    assert.ok(Number(said('drain.back', id)?.['waitedMs']) > 0)
    await eventuallyEqual('the drain is over', async () => await operationOf(id), [
      { phase: 'back', outcome: 'succeeded' },
    ])
    await joined(worker)
    await worker.sidecar.kill()
    worker.sidecar.start()
    await joined(worker)
    const told = worker.sidecar.log().filter((line) => line['event'] === 'drain.different')
    assert.equal(told.length, 1, 'what was compared once is not compared at the next start')
  })

  test('is what an emptied volume is compared with, and traffic is not let to it', async () => {
    const id = await leavePod()
    await emptyVolume(worker.postgres)
    await worker.postgres.start()
    await prepareNode(worker)
    worker.sidecar.start()
    const found = await saysWhatIsDifferent(id)
    assert.match(String(found[0]), /^system identifier was \d+ and is \d+$/)
    assert.ok(found.some((one) => String(one).startsWith('node is gone or changed: 0 ')))
    assert.deepEqual(await ledger(`select released_at from citus_sidecar.holds where id = '${id}'`), [
      { released_at: null },
    ])
    const { code, stderr } = await worker.command(['accept', '--yes'])
    assert.equal(code, 0, stderr)
    await joined(worker)
  })

  test('is written as before into the ledger of the version before', async () => {
    await ledger('drop function citus_sidecar.record_drain(jsonb); drop function citus_sidecar.end_drains(text)')
    await ledger('drop table citus_sidecar.drain_phases, citus_sidecar.stop_states')
    await ledger('update citus_sidecar.schema_version set version = 2')
    const { id, end } = await drainWorker()
    assert.equal(end?.ok, true, end?.reason)
    await worker.postgres.restart()
    await joined(worker)
    await eventuallyEqual('it is over', async () => await operationOf(id), [{ phase: 'back', outcome: 'succeeded' }])
    const { code, stdout } = await cluster.coordinator.command(['bootstrap'], {
      CITUS_SIDECAR_BOOTSTRAP_USER: 'postgres',
    })
    assert.equal(code, 0)
    assert.match(stdout, new RegExp(`brought from version 2 to ${schemaVersion}`))
    const next = await drainWorker()
    await allThere(next.id)
    await cancelDrain(worker)
  })
})

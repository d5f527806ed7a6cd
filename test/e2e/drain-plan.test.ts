// The plan of a drain on real servers: what a stop would cost is asked of the server when a person asks, and never by a scrape.
import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import * as z from 'zod'
import { phaseNames } from '../../agent/drain/machine.ts'
import type { DrainPlan } from '../../agent/drain/view.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { beginDrain, drained } from '../support/draining.ts'
import { joined, patience, quick } from '../support/joining.ts'
import { metricsOf } from '../support/prometheus-text.ts'

/** `drain --plan --json`, strictly: a field more is a field that nobody knows of. */
const shape = z.strictObject({
  graceSeconds: z.number().positive(),
  graceFrom: z.enum(['setting', 'pod']),
  reserveSeconds: z.number().positive(),
  phases: z.array(
    z.strictObject({
      name: z.enum(phaseNames),
      budgetMs: z.int().nonnegative(),
      etaMs: z.int().nonnegative().nullable(),
      from: z.enum(['measured', 'estimated']).nullable(),
      because: z.string(),
    }),
  ),
  etaMs: z.int().nonnegative(),
  graceTooShort: z.boolean(),
  warnings: z.array(z.string().min(1)),
})

suite('the plan of a drain', () => {
  let cluster: LocalCluster
  let node: LocalNode
  before(async () => {
    cluster = await startCluster({
      workers: 0,
      postgresSettings: { archive_mode: 'on', archive_command: 'true', checkpoint_timeout: '1d' },
      env: {
        ...quick,
        CITUS_SIDECAR_UNREADY_WAIT: '0ms',
        CITUS_SIDECAR_GRACE_PERIOD: '60s',
        CITUS_SIDECAR_STATEMENT_TIMEOUT: '2s',
      },
    })
    node = cluster.coordinator
    await joined(node)
    await node.postgres.query('create table filled (n integer)')
  })
  after(async () => await cluster.down())

  async function plan(): Promise<DrainPlan> {
    const { status, body } = await node.sidecar.control('GET', '/v1/drain/plan')
    assert.equal(status, 200, body)
    return shape.parse(JSON.parse(body))
  }
  const eta = ({ phases }: DrainPlan, name: string): number => phases.find((one) => one.name === name)?.etaMs ?? -1
  const archiveBy = async (command: string): Promise<void> => {
    await node.postgres.query(`alter system set archive_command = '${command}'`)
    await node.postgres.query('select pg_reload_conf()')
  }
  const closeSegment = async (): Promise<void> => {
    await node.postgres.query('insert into filled values (1)')
    await node.postgres.query('select pg_switch_wal()')
  }
  const fill = async (): Promise<void> =>
    void (await node.postgres.query('insert into filled select generate_series(1, 300000)'))
  const tooShort = async (): Promise<number | undefined> =>
    (await metricsOf(node.sidecar))
      .get('citus_sidecar_grace_period_too_short')
      ?.samples.get('citus_sidecar_grace_period_too_short')

  test('of much dirty data takes longer than that of an idle server, and is estimated', async () => {
    await node.postgres.query('checkpoint')
    const idle = await plan()
    await fill()
    const dirty = await plan()
    assert.ok(eta(dirty, 'prepare') > eta(idle, 'prepare'), JSON.stringify([idle.phases, dirty.phases]))
    assert.ok(dirty.etaMs > idle.etaMs)
    const prepare = dirty.phases.find(({ name }) => name === 'prepare')
    assert.equal(prepare?.from, 'estimated')
    // 16 MB of shared buffers, all of them dirty.
    assert.match(prepare.because, /^at most 16\.0 MB to write, /)
    assert.deepEqual([dirty.graceSeconds, dirty.graceFrom, dirty.graceTooShort], [60, 'setting', false])
  })

  test('has an archive_command that hangs, and one that fails, at the next question', async () => {
    await node.postgres.query('checkpoint')
    const before = await plan()
    const hangs = join(cluster.record.ground, 'archiving-hangs')
    await writeFile(hangs, '')
    await archiveBy(`while test -e ${hangs}; do sleep 0.1; done`)
    await closeSegment()
    const hanging = await eventually(
      'it takes longer',
      async () => {
        const now = await plan()
        return eta(now, 'prepare') > eta(before, 'prepare') ? now : undefined
      },
      { deadline: patience },
    )
    assert.match(JSON.stringify(hanging.phases), /WAL segments to archive: 2/)
    await archiveBy('false')
    await rm(hangs)
    await closeSegment()
    const warned = await eventually(
      'it says that archiving fails',
      async () => (await plan()).warnings.find((one) => one.startsWith('archive_command fails, last ')),
      { deadline: patience },
    )
    assert.match(warned, /ago, and [12] WAL segments wait: a drain would leave them unarchived/)
    await archiveBy('true')
    await closeSegment()
    await eventually('it archives again', async () => (await plan()).warnings.length === 0, { deadline: patience })
  })

  test('names the transaction that would be cut', async () => {
    const client = await node.postgres.connect()
    await client.query(`set application_name = 'etl'`)
    await client.query('begin')
    await client.query('select 1')
    const { phases } = await plan()
    const drain = phases.find(({ name }) => name === 'drain')
    assert.match(drain?.because ?? '', /^clients: \d+, the longest transaction is that of etl of postgres \(pid \d+\)$/)
    await client.end()
  })

  test('has at least what the last drain took, and shows it to people as to programs', async () => {
    await node.postgres.query('checkpoint')
    await beginDrain(node)
    const { phases } = await drained(node)
    await node.postgres.restart()
    await joined(node)
    const after = await plan()
    for (const { name, tookMs = 0 } of phases) {
      const found = after.phases.find((one) => one.name === name)
      assert.ok((found?.etaMs ?? -1) >= tookMs, JSON.stringify([name, tookMs, found]))
    }
    // Of these the server says nothing.
    for (const name of ['cause', 'hold', 'keep'])
      assert.equal(after.phases.find((one) => one.name === name)?.from, 'measured', name)
    const json = await node.command(['drain', '--plan', '--json'])
    assert.equal(json.code, 0, json.stderr)
    assert.deepEqual(
      shape.parse(JSON.parse(json.stdout)).phases.map(({ name }) => name),
      phaseNames,
    )
    const { code, stdout } = await node.command(['drain', '--plan'])
    assert.equal(code, 0)
    assert.match(stdout, /^cause {5}0\.9 s {5}\d\.\d s {5}measured: as the last drain took$/m)
    assert.match(stdout, /^about \d+\.\d s in all; grace period 60 s by CITUS_SIDECAR_GRACE_PERIOD, of which 15 s are/m)
  })

  test('of a new pod has what the last drain took before it, and was expected to take', async () => {
    const [row] = await node.postgres.query(
      `select expected_ms > 0 as expected, took_ms > 0 as took from citus_sidecar.drain_phases where phase = 'prepare'`,
    )
    assert.deepEqual(row, { expected: true, took: true })
    await node.sidecar.kill()
    await rm(join(node.runDir, 'drain.json'))
    node.sidecar.start()
    await joined(node)
    await eventually('it knows the last drain', async () =>
      (await plan()).phases.some(({ name, from }) => name === 'cause' && from === 'measured'),
    )
  })

  test('of a server that does not answer has what was known, and says so', async () => {
    await node.postgres.freeze()
    try {
      // It waits longer for the server than a test waits for an answer.
      const { stdout } = await node.command(['drain', '--plan'])
      assert.match(stdout, /^prepare {3}18\.0 s {4}\d/m)
      assert.match(stdout, /^warning: PostgreSQL .+ what a stop would cost now: estimates are \d+\.\d s old$/m)
    } finally {
      node.postgres.thaw()
    }
    await joined(node)
  })

  test('for which there is too little time says so, and so does the metric', async () => {
    assert.equal(await tooShort(), 0)
    await node.sidecar.stop()
    node.sidecar.start({ CITUS_SIDECAR_GRACE_PERIOD: '20s' })
    await joined(node)
    const { graceTooShort, warnings } = await plan()
    assert.equal(graceTooShort, true)
    assert.match(warnings[0] ?? '', /^only 5\.0 s are left for a drain: the grace period is 20\.0 s/)
    assert.equal(await tooShort(), 1)
  })
})

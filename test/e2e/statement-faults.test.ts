// What becomes of spans of statements when their reader dies, the sidecar dies, the log is rotated, truncated or away, or nobody receives
// them: each is told, none twice by another id, and nothing else of the sidecar notices.
import assert from 'node:assert/strict'
import { readdir, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { assertTold, AskingLoad } from '../support/asking-load.ts'
import { joined } from '../support/joining.ts'
import { readingEnv, startLogged } from '../support/logged-cluster.ts'
import type { LoggedOptions } from '../support/logged-cluster.ts'
import { OtlpReceiver } from '../support/otlp-receiver.ts'
import { troubled } from '../support/thread-trouble.ts'

suite('spans of statements in trouble', () => {
  let receiver: OtlpReceiver
  let cluster: LocalCluster
  let node: LocalNode
  let options: LoggedOptions
  let hangs: string
  before(async () => {
    receiver = await OtlpReceiver.start()
    const base = {
      workers: 0,
      receiver,
      env: {
        CITUS_SIDECAR_SPANS_PER_MINUTE: '1000000',
        OTEL_BSP_MAX_QUEUE_SIZE: '60000',
        OTEL_BSP_SCHEDULE_DELAY: '2000',
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '20000',
      },
    }
    cluster = await startLogged(base)
    node = cluster.coordinator
    hangs = join(node.runDir, 'thread-hangs')
    options = { ...base, env: { ...base.env, ...troubled(hangs) } }
    await node.sidecar.stop()
    await started()
  })
  after(async () => {
    receiver.mood = 'well'
    await cluster.down()
    await receiver[Symbol.asyncDispose]()
  })

  async function started(env: Readonly<Record<string, string>> = {}): Promise<void> {
    node.sidecar.start({ ...readingEnv(node, options), ...env })
    await joined(node)
  }

  /** A sample of the page of metrics; 0 where it is not there. */
  async function metric(sample: string): Promise<number> {
    const { body } = await node.sidecar.get('/metrics')
    return Number(
      body
        .split('\n')
        .find((line) => line.startsWith(`${sample} `))
        ?.slice(sample.length + 1) ?? 0,
    )
  }

  async function isWell(): Promise<void> {
    for (const path of ['/livez', '/readyz', '/metrics']) assert.equal((await node.sidecar.get(path)).status, 200, path)
  }

  test('are told once though their reader dies, which is started again and counted', async () => {
    await using load = await AskingLoad.start(node, 'thread')
    await load.goesOn()
    const before = await metric('citus_sidecar_log_reader_restarts_total')
    process.kill(node.sidecar.pid ?? 0, 'SIGUSR2')
    await eventually('it is started again', async () => {
      await isWell()
      return (await metric('citus_sidecar_log_reader_restarts_total')) === before + 1
    })
    await load.goesOn()
    assert.equal(await assertTold(receiver, await load.end()), 0)
    assert.ok(node.sidecar.log().some(({ event }) => event === 'statements.ended'))
  })

  test('are told though the sidecar is killed, twice only with the same id', async () => {
    await using load = await AskingLoad.start(node, 'killed')
    await load.goesOn()
    await node.sidecar.kill()
    await load.goesOn()
    await started()
    await load.goesOn()
    await assertTold(receiver, await load.end())
  })

  test('are told once though the sidecar is stopped and started, which takes no longer because of them', async () => {
    await using load = await AskingLoad.start(node, 'stop')
    await load.goesOn()
    assert.equal(await node.sidecar.stop(), 0)
    await load.goesOn()
    await started()
    await load.goesOn()
    assert.equal(await assertTold(receiver, await load.end()), 0)
  })

  test('do not keep a sidecar from answering, nor from ending, where their reader hangs', async () => {
    await writeFile(hangs, '')
    try {
      await using load = await AskingLoad.start(node, 'hang')
      await load.goesOn()
      await isWell()
      const { code, stderr } = await node.command(['top'])
      assert.equal(code, 1, stderr)
      assert.equal(await node.sidecar.stop(), 0)
      await rm(hangs)
      await started()
      await assertTold(receiver, await load.end())
    } finally {
      await rm(hangs, { force: true })
    }
  })

  test('are told once though the log is rotated and truncated', async () => {
    await using load = await AskingLoad.start(node, 'rotate')
    const folder = join(node.dataDir, 'log')
    const files = async (): Promise<readonly string[]> =>
      (await readdir(folder)).filter((name) => name.endsWith('.json'))
    const { length } = await files()
    await load.goesOn()
    await eventually('there is a new file', async () => {
      // The name has the second.
      await node.postgres.query('select pg_rotate_logfile()')
      return (await files()).length > length
    })
    await load.goesOn()
    const first = await load.end()
    assert.equal(await assertTold(receiver, first), 0)
    for (const file of await files()) await truncate(join(folder, file))
    await using next = await AskingLoad.start(node, 'trunc')
    await next.goesOn()
    assert.equal(await assertTold(receiver, await next.end()), 0)
  })

  test('are told once though the folder of the log is away for a while', async () => {
    const folder = join(node.dataDir, 'log')
    await using load = await AskingLoad.start(node, 'away')
    await load.goesOn()
    await rename(folder, `${folder}-away`)
    try {
      await eventually('it is told', () =>
        node.sidecar
          .log()
          .some(({ event, reason }) => event === 'statements.trouble' && String(reason).includes(folder)),
      )
      await load.goesOn()
      await isWell()
    } finally {
      await rename(`${folder}-away`, folder)
    }
    await load.goesOn()
    assert.equal(await assertTold(receiver, await load.end()), 0)
  })

  test('are lost alone where nobody receives them', async () => {
    for (const mood of ['silent', 'busy', 'refusing', 'garbled'] as const) {
      receiver.mood = mood
      await using load = await AskingLoad.start(node, mood.slice(0, 6))
      const { requests } = receiver
      await load.goesOn()
      await eventually('it is tried', () => receiver.requests > requests || mood !== 'silent')
      await isWell()
      await load.end()
    }
    assert.equal(await node.sidecar.stop(), 0)
    receiver.mood = 'well'
    await started()
  })

  test('that a caller asks too many of are as many as allowed, and the others are counted', async () => {
    await node.sidecar.stop()
    await started({ CITUS_SIDECAR_SPANS_PER_MINUTE: '20' })
    const kept = receiver.spans.length
    await using load = await AskingLoad.start(node, 'flood')
    await load.goesOn(500)
    const asked = new Set(await load.end())
    const capped = 'citus_sidecar_statement_spans_dropped_total{reason="capped"}'
    const made = async (): Promise<number> => await metric('citus_sidecar_statement_spans_total')
    await eventually('all are counted', async () => (await made()) + (await metric(capped)) >= asked.size)
    const told = receiver.spans.slice(kept).filter(({ traceId }) => asked.has(traceId))
    // A minute may have ended meanwhile.
    assert.ok(told.length <= 60 && (await metric(capped)) >= asked.size - 60, `${told.length} of ${asked.size}`)
  })
})

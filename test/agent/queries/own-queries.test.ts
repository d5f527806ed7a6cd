// Own queries while the sidecar runs: what changes in the files is taken up, and what does not goes on as it was.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { loadConfig } from '../../../agent/config.ts'
import { ReadingStore } from '../../../agent/loop/readings.ts'
import { OwnQueries } from '../../../agent/queries/own-queries.ts'
import { eventually } from '../../../deploy/local/eventually.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { keepReports } from '../../support/reports.ts'

suite('own queries', () => {
  let folder: string
  let clock: ManualClock
  let readings: ReadingStore
  let stop: AbortController
  let running: Promise<void>
  let reports: ReturnType<typeof keepReports>
  let own: OwnQueries
  /** What the scheduler was told, in order. */
  let told: string[]

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'own-queries-test-'))
    clock = new ManualClock()
    readings = new ReadingStore()
    stop = new AbortController()
    reports = keepReports()
    told = []
  })
  afterEach(async () => {
    stop.abort()
    await running
    rmSync(folder, { recursive: true })
  })

  async function start(...texts: readonly string[]): Promise<void> {
    write(...texts)
    const config = loadConfig({ CITUS_SIDECAR_ROLE: 'standalone', CITUS_SIDECAR_QUERIES: folder }, 'any')
    own = new OwnQueries({
      config,
      clock,
      report: reports.report,
      readings,
      scheduler: {
        keep: async ({ name, interval }, signal) => {
          told.push(`keep ${name} ${interval}`)
          await clock.sleep(Number.MAX_SAFE_INTEGER, signal)
          told.push(`end ${name}`)
        },
        look: (...names) => void told.push(`look ${names.join()}`),
      },
      ask: async () => await Promise.resolve([]),
      onNone: async () => {
        told.push('none')
        await Promise.resolve()
      },
    })
    running = own.run(stop.signal)
    await looked()
  }
  function write(...texts: readonly string[]): void {
    writeFileSync(join(folder, 'a.yaml'), texts.join(''))
  }
  /** Waits until the files were read and the next look waits for the clock. */
  async function looked(): Promise<void> {
    await eventually('the files were read', () => own.wrong !== undefined && clock.sleepers === own.probes.length + 1)
  }
  async function lookAgain(...texts: readonly string[]): Promise<void> {
    write(...texts)
    const before = told.length + reports.said.length
    await clock.advance(30_000)
    await eventually('something was said', () => told.length + reports.said.length > before)
    await looked()
  }
  function query(name: string, interval = '10s', more = ''): string {
    return `${name}:\n  query: select 1 as n\n  interval: ${interval}\n${more}  metrics: [{ n: { usage: GAUGE } }]\n`
  }

  test('are kept from the start on, and said once', async () => {
    await start(query('a'), query('b'))
    assert.deepEqual(told, ['keep query.a 10000', 'keep query.b 10000'])
    assert.deepEqual(reports.said, [{ name: 'queries.read', details: { queries: 2, wrong: 0 } }])
    assert.equal(own.wrong, 0)
  })

  test('that changed are replaced, the others go on', async () => {
    await start(query('a'), query('b'), query('c'))
    readings.record(
      'query.b',
      { error: { message: 'x', code: undefined, timedOut: false } },
      {
        begunAt: 0,
        takenAt: 0,
        durationMs: 0,
      },
    )
    told = []
    await lookAgain(query('a'), query('b', '20s'), query('d'))
    assert.deepEqual(told, ['end query.b', 'end query.c', 'keep query.b 20000', 'keep query.d 10000'])
    assert.equal(readings.get('query.b'), undefined, 'what the old one found is not what the new one finds')
    assert.deepEqual(
      own.probes.map(({ name }) => name),
      ['query.a', 'query.b', 'query.d'],
    )
  })

  test('let go of their session with the last of them', async () => {
    await start(query('a'), query('b'))
    told = []
    await lookAgain(query('b'))
    await lookAgain('')
    assert.deepEqual(told, ['end query.a', 'end query.b', 'none'])
    assert.deepEqual(own.probes, [])
  })

  test('that are wrong are said with their place, once while they are so', async () => {
    await start(query('a'), query('b', 'soon'))
    const reason = 'b.interval: "soon" is not accepted; allowed: a duration from 1s to 1d, with unit ms, s, m, h or d'
    const wrong = { name: 'queries.wrong', details: { file: join(folder, 'a.yaml'), line: 7, column: 13, reason } }
    assert.deepEqual(reports.said, [wrong, { name: 'queries.read', details: { queries: 1, wrong: 1 } }])
    assert.equal(own.wrong, 1)
    await lookAgain(query('a', '20s'), query('b', 'soon'))
    assert.deepEqual(reports.said.slice(2), [{ name: 'queries.read', details: { queries: 1, wrong: 1 } }])
    await lookAgain(query('a', '20s'))
    assert.deepEqual(reports.said.slice(3), [{ name: 'queries.read', details: { queries: 1, wrong: 0 } }])
    assert.equal(own.wrong, 0)
  })

  test('for certain versions are asked as soon as the version is known', async () => {
    await start(query('a'), query('b', '10s', '  runonserver: ">=14.0.0"\n'))
    told = []
    const identity = { serverVersionNum: 160_001 }
    for (let times = 0; times < 2; times += 1)
      readings.record('postgres.identity', { value: identity as never }, { begunAt: 0, takenAt: 0, durationMs: 0 })
    assert.deepEqual(told, ['look query.b'])
  })

  test('end with the sidecar', async () => {
    await start(query('a'))
    stop.abort()
    await running
    assert.equal(told.at(-1), 'end query.a')
  })
})

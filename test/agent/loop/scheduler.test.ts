// When probes run, on a clock that the test turns: on their interval, sooner on a hint, never two at a time on a connection.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { ReadingStore } from '../../../agent/loop/readings.ts'
import { Scheduler } from '../../../agent/loop/scheduler.ts'
import type { NodeFacts, Probe, SessionName } from '../../../probes/probe.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { scriptedSql } from '../../support/scripted-sql.ts'

type Name = 'postgres.writable' | 'citus.peers' | 'postgres.connect'

/** A probe whose runs wait until the test ends them. */
class Script {
  readonly runs: PromiseWithResolvers<unknown>[] = []
  readonly name: Name
  readonly session: SessionName
  skipped: string | undefined

  constructor(name: Name, session: SessionName) {
    this.name = name
    this.session = session
  }

  get probe(): Probe<Name> {
    return {
      name: this.name,
      help: 'A test.',
      session: this.session,
      interval: 10_000,
      timeout: 60_000,
      retry: ({ message }) => (message === 'not there yet' ? 500 : undefined),
      skip: () => this.skipped,
      read: async () => {
        const run = Promise.withResolvers<unknown>()
        this.runs.push(run)
        return (await run.promise) as never
      },
    }
  }

  end(index: number, value: unknown = { latencyMs: 1 }): void {
    this.runs[index]?.resolve(value)
  }
}

suite('the scheduler', () => {
  let clock: ManualClock
  let readings: ReadingStore
  let stop: AbortController
  let scheduler: Scheduler
  let running: Promise<void>
  let all: readonly Script[] = []
  const facts: NodeFacts = { role: 'worker', inRecovery: false }

  beforeEach(() => {
    clock = new ManualClock()
    readings = new ReadingStore()
    stop = new AbortController()
  })
  afterEach(async () => {
    stop.abort()
    // A run that the test has not ended must not hold up its end.
    for (const run of all.flatMap(({ runs }) => runs)) run.resolve({})
    await running
  })

  async function start(...scripts: readonly Script[]): Promise<void> {
    scheduler = new Scheduler({
      probes: scripts.map(({ probe }) => probe) as ConstructorParameters<typeof Scheduler>[0]['probes'],
      readings,
      clock,
      random: () => 0,
      facts: () => facts,
      sql: () => scriptedSql(),
      dial: async () => await Promise.resolve(),
      elsewhere: async () => await Promise.resolve([]),
      elapsed: () => clock.now(),
      sampled: async (_name, _span, work) => await work(),
    })
    running = scheduler.run(stop.signal)
    all = scripts
    await clock.settle()
  }

  test('runs a probe at once and then on its interval', async () => {
    const write = new Script('postgres.writable', 'probe')
    await start(write)
    assert.equal(write.runs.length, 1)
    write.end(0)
    await clock.advance(9_999)
    assert.equal(write.runs.length, 1)
    await clock.advance(1)
    assert.equal(write.runs.length, 2)
  })

  test('counts the interval from the end of a run, so that a slow one is never followed at its heels', async () => {
    const write = new Script('postgres.writable', 'probe')
    await start(write)
    await clock.advance(50_000)
    write.end(0)
    await clock.advance(9_999)
    assert.equal(write.runs.length, 1)
    await clock.advance(1)
    assert.equal(write.runs.length, 2)
  })

  test('a hint makes it run now', async () => {
    const write = new Script('postgres.writable', 'probe')
    await start(write)
    write.end(0)
    await clock.advance(3_000)
    scheduler.look('postgres.writable')
    await clock.settle()
    assert.equal(write.runs.length, 2)
  })

  test('any number of hints during a run are one more run, soon after it', async () => {
    const write = new Script('postgres.writable', 'probe')
    await start(write)
    for (let hint = 0; hint < 100; hint += 1) scheduler.look('postgres.writable')
    await clock.advance(1_000)
    assert.equal(write.runs.length, 1)
    write.end(0)
    await clock.advance(100)
    assert.equal(write.runs.length, 2)
    write.end(1)
    await clock.advance(9_000)
    assert.equal(write.runs.length, 2)
  })

  test('a flood of hints makes no more than twenty runs a second', async () => {
    const write = new Script('postgres.writable', 'probe')
    await start(write)
    for (let ms = 0; ms < 1_000; ms += 1) {
      write.end(write.runs.length - 1)
      scheduler.look('postgres.writable')
      await clock.advance(1)
    }
    assert.ok(write.runs.length > 5 && write.runs.length <= 21, `${write.runs.length} runs`)
  })

  test('a hint for a probe that does not exist here is nothing', async () => {
    const write = new Script('postgres.writable', 'probe')
    await start(write)
    scheduler.look('citus.nodes')
    await clock.settle()
    assert.equal(write.runs.length, 1)
  })

  test('two probes on one connection take turns, others do not wait for them', async () => {
    const write = new Script('postgres.writable', 'probe')
    const peers = new Script('citus.peers', 'probe')
    const connect = new Script('postgres.connect', 'verdict')
    await start(write, peers, connect)
    assert.deepEqual(
      [write, peers, connect].map(({ runs }) => runs.length),
      [1, 0, 1],
    )
    write.end(0)
    await clock.settle()
    assert.equal(peers.runs.length, 1)
  })

  test('probes that bring their own connection wait for nobody', async () => {
    const write = new Script('postgres.writable', 'none')
    const peers = new Script('citus.peers', 'none')
    await start(write, peers)
    assert.deepEqual([write.runs.length, peers.runs.length], [1, 1])
  })

  test('a failed run is a reading too: with its error, and the last good value kept', async () => {
    const write = new Script('postgres.writable', 'probe')
    await start(write)
    write.end(0, { latencyMs: 7 })
    await clock.advance(10_000)
    write.runs[1]?.reject(new Error('disk full'))
    await clock.settle()
    const reading = readings.get('postgres.writable')
    assert.equal(reading?.value, undefined)
    assert.equal(reading?.error?.message, 'disk full')
    assert.deepEqual(reading?.lastGood?.value, { latencyMs: 7 })
    await clock.advance(10_000)
    assert.equal(write.runs.length, 3, 'it runs again after a failure')
  })

  test('a failure that the probe says will pass soon is tried again sooner, any other on the interval', async () => {
    const connect = new Script('postgres.connect', 'none')
    await start(connect)
    connect.runs[0]?.reject(new Error('not there yet'))
    await clock.advance(499)
    assert.equal(connect.runs.length, 1)
    await clock.advance(1)
    assert.equal(connect.runs.length, 2)
    connect.runs[1]?.reject(new Error('broken'))
    await clock.advance(9_999)
    assert.equal(connect.runs.length, 2)
    await clock.advance(1)
    assert.equal(connect.runs.length, 3)
  })

  test('a failure does not keep others on the connection from their turn', async () => {
    const write = new Script('postgres.writable', 'probe')
    const peers = new Script('citus.peers', 'probe')
    await start(write, peers)
    write.runs[0]?.reject(new Error('broken'))
    await clock.settle()
    assert.equal(peers.runs.length, 1)
  })

  test('a reading says when its run began, when it ended and how long it took', async () => {
    const write = new Script('postgres.writable', 'probe')
    await start(write)
    await clock.advance(300)
    write.end(0)
    await clock.settle()
    const { begunAt, takenAt, durationMs } = readings.get('postgres.writable') ?? {}
    assert.deepEqual([begunAt, takenAt, durationMs], [1_000_000, 1_000_300, 300])
  })

  test('a probe that does not apply is not run, and its reading is forgotten', async () => {
    const write = new Script('postgres.writable', 'probe')
    await start(write)
    write.end(0)
    write.skipped = 'this node is a standby'
    await clock.advance(10_000)
    assert.equal(write.runs.length, 1)
    assert.equal(readings.get('postgres.writable'), undefined)
    write.skipped = undefined
    await clock.advance(10_000)
    assert.equal(write.runs.length, 2)
  })

  test('its last sign of life moves with every run', async () => {
    const write = new Script('postgres.writable', 'probe')
    await start(write)
    assert.equal(scheduler.lastTick, 1_000_000)
    write.end(0)
    await clock.advance(10_000)
    assert.equal(scheduler.lastTick, 1_010_000)
  })

  test('one more probe can be kept, in turn with the others, and ended alone', async () => {
    const write = new Script('postgres.writable', 'probe')
    const peers = new Script('citus.peers', 'probe')
    await start(write)
    all = [write, peers]
    const own = new AbortController()
    const kept = scheduler.keep(peers.probe as Parameters<Scheduler['keep']>[0], own.signal)
    await clock.settle()
    assert.deepEqual([write.runs.length, peers.runs.length], [1, 0])
    write.end(0)
    await clock.settle()
    peers.end(0)
    await clock.advance(10_000)
    assert.deepEqual([write.runs.length, peers.runs.length], [2, 1])
    write.end(1)
    await clock.settle()
    peers.end(1)
    await clock.settle()
    own.abort()
    await kept
    scheduler.look('citus.peers')
    await clock.advance(10_000)
    assert.deepEqual([write.runs.length, peers.runs.length], [3, 2])
  })

  test('its end waits for the run that is on, which says nothing about the server any more', async () => {
    const write = new Script('postgres.writable', 'probe')
    await start(write)
    let ended = false
    void running.then(() => (ended = true))
    stop.abort()
    await clock.settle()
    assert.equal(ended, false)
    write.runs[0]?.reject(new Error('the sidecar ends'))
    await running
    assert.equal(readings.get('postgres.writable'), undefined)
    assert.equal(clock.sleepers, 0)
  })
})

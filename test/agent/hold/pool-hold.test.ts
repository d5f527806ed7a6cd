// The hold of one pooler against a PgBouncer and a ledger that fail as told, on a clock that stands still.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, suite, test } from 'node:test'
import type { Hold } from '../../../agent/hold/hold-ledger.ts'
import { writeLease } from '../../../agent/hold/lease-file.ts'
import { PoolHold } from '../../../agent/hold/pool-hold.ts'
import { Promptness } from '../../../agent/hold/promptness.ts'
import { eventually } from '../../../deploy/local/eventually.ts'
import { FakeConsole, FakeLedger } from '../../support/fake-pooler.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const id = '5f3d1d6e-7b1c-4b8e-9a55-3f1f0c7e9d11'
const limits = { holdMax: 60_000, pauseTry: 1_500, pauseBreak: 500, interval: 10_000 }
const open: Hold = { id, member: 'worker-1', kinds: ['pool'], open: true, leftMs: 30_000, answers: [] }

suite('the hold of a pooler', () => {
  let console: FakeConsole
  let ledger: FakeLedger
  let clock: ManualClock
  let runDir: string
  let stop: AbortController
  let unfit: string | undefined
  let done: Promise<void>
  let hold: PoolHold

  beforeEach(() => {
    console = new FakeConsole()
    ledger = new FakeLedger()
    clock = new ManualClock()
    runDir = mkdtempSync(join(tmpdir(), 'pool-hold-'))
    stop = new AbortController()
    unfit = undefined
    done = Promise.resolve()
  })
  afterEach(async () => {
    console.down = false
    stop.abort()
    await done
    assert.deepEqual([...console.paused], [], 'nothing stays paused')
    rmSync(runDir, { recursive: true })
  })

  const lease = (): string => join(runDir, 'pool-lease.json')

  function start(): void {
    const targets = () => (unfit === undefined ? { databases: ['app'] } : { unfit })
    const promptness = new Promptness(console, runDir)
    const report = (): void => undefined
    hold = new PoolHold({ clock, report, console, promptness, ledger, holder: 'p', runDir, targets, limits })
    done = hold.run(stop.signal)
  }

  /** Turns the clock in small steps until it is so; files are real and need moments of their own. */
  async function until(what: string, wanted: () => boolean, step = 50): Promise<void> {
    await eventually(what, async () => {
      if (wanted()) return true
      await clock.advance(step)
      return wanted()
    })
  }

  const said = (): readonly string[] => ledger.answers.map(({ state }) => state)

  test('pauses under a lease, says so, and resumes on release', async () => {
    ledger.hold = open
    start()
    await until('held', () => said().includes('held'))
    assert.deepEqual(console.commands, ['PAUSE app'])
    assert.ok(existsSync(lease()))
    assert.equal(hold.holding?.paused, true)
    ledger.hold = { ...open, open: false }
    await until('released', () => said().includes('released'))
    assert.deepEqual(console.commands, ['PAUSE app', 'RESUME app'])
    assert.ok(!existsSync(lease()))
    assert.deepEqual(ledger.answers.at(-1), { holder: 'p', kind: 'pool', state: 'released', reason: 'released' })
  })

  test('looks at once when it is hinted', async () => {
    start()
    await clock.settle()
    ledger.hold = open
    hold.hint()
    await until('held', () => said().includes('held'), 0)
  })

  test('resumes at the end of its lease while the ledger is away, and says so once it is back', async () => {
    ledger.hold = open
    start()
    await until('held', () => said().includes('held'))
    ledger.down = true
    const begun = clock.now()
    await until('resumed', () => console.commands.includes('RESUME app'), 500)
    assert.ok(clock.now() - begun >= 28_000 && clock.now() - begun <= 31_000, `${clock.now() - begun} ms`)
    assert.deepEqual(said(), ['held'])
    ledger.down = false
    await until('released', () => said().includes('released'))
  })

  test('never lasts longer than the longest hold, whatever the ledger says', async () => {
    ledger.hold = { ...open, leftMs: 600_000 }
    start()
    await until('held', () => said().includes('held'))
    const begun = clock.now()
    await until('resumed', () => console.commands.includes('RESUME app'), 500)
    assert.ok(clock.now() - begun <= 61_000)
    // Its row is still open, yet this pooler is through with it.
    await clock.advance(60_000)
    assert.equal(console.commands.filter((one) => one.startsWith('PAUSE')).length, 1)
  })

  test('lets clients go between two tries that did not succeed, and holds once one does', async () => {
    ledger.hold = open
    console.busy.add('app')
    start()
    await until('three tries', () => console.commands.filter((one) => one === 'PAUSE app').length === 3)
    assert.deepEqual(console.commands.slice(0, 5), ['PAUSE app', 'RESUME app', 'PAUSE app', 'RESUME app', 'PAUSE app'])
    console.busy.clear()
    await until('held', () => said().includes('held'))
    assert.deepEqual(said(), ['held'])
  })

  test('fails at the end of its lease where no try succeeded', async () => {
    ledger.hold = { ...open, leftMs: 3_000 }
    console.busy.add('app')
    start()
    await until('failed', () => said().includes('failed'))
    assert.deepEqual(said(), ['failed'])
    assert.ok(!existsSync(lease()))
  })

  test('waits for servers that are logging in before it pauses', async () => {
    ledger.hold = open
    console.logins = [2, 1]
    start()
    await until('held', () => said().includes('held'), 5)
    assert.deepEqual(console.logins, [])
  })

  test('pauses again a PgBouncer that came back unpaused', async () => {
    ledger.hold = open
    start()
    await until('held', () => said().includes('held'))
    console.paused.clear()
    await until('paused again', () => console.paused.has('app'))
    assert.deepEqual(said(), ['held'])
  })

  test('does not begin where this pooler is unfit, or cannot write its lease', async () => {
    unfit = 'too short'
    ledger.hold = open
    start()
    await until('failed', () => said().includes('failed'))
    assert.deepEqual(ledger.answers[0], { holder: 'p', kind: 'pool', state: 'failed', reason: 'too short' })
    unfit = undefined
    rmSync(runDir, { recursive: true })
    writeFileSync(runDir, 'no folder')
    ledger.hold = { ...open, id: id.replace('5f', '6f') }
    await until('failed again', () => said().length === 2)
    assert.match(ledger.answers[1]?.reason ?? '', /the lease file cannot be written/)
    assert.deepEqual(console.commands, [])
  })

  test('leaves holds of other kinds, and those it is through with, alone', async () => {
    ledger.hold = { ...open, kinds: ['node'] }
    start()
    await clock.advance(30_000)
    const answers = [{ holder: 'p', kind: 'pool', state: 'released', reason: '' }] as const
    ledger.hold = { ...open, answers }
    await clock.advance(30_000)
    assert.deepEqual(console.commands, [])
  })

  test('keeps trying to resume while PgBouncer does not answer, and its lease until then', async () => {
    ledger.hold = open
    start()
    await until('held', () => said().includes('held'))
    console.down = true
    ledger.hold = { ...open, open: false }
    await clock.advance(5_000)
    assert.ok(existsSync(lease()))
    console.down = false
    await until('released', () => said().includes('released'))
    assert.ok(!existsSync(lease()))
  })

  test('goes on with a lease that an earlier sidecar left, while the ledger is away', async () => {
    await writeLease(runDir, { holdId: id, endsAt: clock.now() + 5_000, databases: ['other'] })
    console.paused.add('other')
    ledger.down = true
    start()
    await until('it holds', () => hold.holding?.paused === true)
    await until('resumed', () => console.commands.includes('RESUME other'))
  })

  test('of a lease that the ledger does not know is over at once', async () => {
    await writeLease(runDir, { holdId: id, endsAt: clock.now() + 30_000, databases: ['app'] })
    start()
    const begun = clock.now()
    await until('resumed', () => console.commands.includes('RESUME app'))
    assert.ok(clock.now() - begun < 5_000)
  })

  test('ends with its sidecar', async () => {
    ledger.hold = open
    start()
    await until('held', () => said().includes('held'))
    stop.abort()
    await done
    assert.deepEqual(console.commands.at(-1), 'RESUME app')
    assert.deepEqual(said(), ['held', 'released'])
  })
})

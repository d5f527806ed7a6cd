// The maintenance switch: of several copies the latest counts, and its file is never half written or trusted blindly.
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import fc from 'fast-check'
import { latest, MaintenanceSwitch, noMaintenance } from '../../../agent/cluster/maintenance.ts'
import { readMaintenanceFile, writeMaintenanceFile } from '../../../agent/cluster/maintenance.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const copy = (on: boolean, changedAt: number, reason = '') => ({ on, changedAt, reason })

suite('the latest copy', () => {
  test('is the one that was switched last, wherever it comes from', () => {
    assert.deepEqual(latest(copy(true, 5), copy(false, 9, 'done'), copy(true, 7)), copy(false, 9, 'done'))
  })

  test('is off where there is none', () => {
    assert.deepEqual(latest(), noMaintenance)
    assert.deepEqual(latest(undefined, null), noMaintenance)
  })

  test('never comes from something that is no copy', () => {
    const odd = [
      'on',
      5,
      [],
      {},
      { on: 'yes', changedAt: 9, reason: '' },
      { on: true, reason: '' },
      copy(true, Number.NaN),
    ]
    assert.deepEqual(latest(...odd, copy(true, 1)), copy(true, 1))
  })

  test('does not depend on the order, and never throws', () => {
    const copies = fc.uniqueArray(fc.record({ on: fc.boolean(), changedAt: fc.nat(), reason: fc.string() }), {
      selector: ({ changedAt }) => changedAt,
    })
    fc.assert(
      fc.property(copies, fc.array(fc.anything()), (some, odd) => {
        const rest = odd.filter((one) => typeof one !== 'object')
        assert.deepEqual(latest(...some, ...rest), latest(...rest, ...some.toReversed()))
      }),
    )
  })
})

const folder = mkdtempSync(join(tmpdir(), 'maintenance-test-'))
after(() => rmSync(folder, { recursive: true }))

function place(name: string): string {
  return mkdtempSync(join(folder, name))
}

suite('its file', () => {
  test('is read as it was written, and leaves nothing beside it', async () => {
    const dir = place('a')
    await writeMaintenanceFile(dir, copy(true, 5, 'disk "swap"\n'))
    await writeMaintenanceFile(dir, copy(true, 6, 'more'))
    assert.deepEqual(await readMaintenanceFile(dir), copy(true, 6, 'more'))
    assert.deepEqual(readdirSync(dir), ['maintenance.json'])
  })

  for (const text of ['', '{', 'null', '"on"', '{"on":1}', '[]', '\0'])
    test(`with ${JSON.stringify(text)} in it has no say`, async () => {
      const dir = place('b')
      writeFileSync(join(dir, 'maintenance.json'), text)
      assert.deepEqual(await readMaintenanceFile(dir), noMaintenance)
    })

  test('that is missing has no say', async () => {
    assert.deepEqual(await readMaintenanceFile(join(folder, 'missing')), noMaintenance)
  })
})

suite('the switch', () => {
  test('is off, is switched, and is still switched after a restart', async () => {
    const dir = place('c')
    const clock = new ManualClock()
    const first = new MaintenanceSwitch(dir, clock)
    assert.deepEqual(first.current, noMaintenance)
    assert.deepEqual(await first.set(true, 'disk swap'), copy(true, clock.now(), 'disk swap'))
    const second = new MaintenanceSwitch(dir, clock)
    await second.load()
    assert.deepEqual(second.current, first.current)
  })

  test('is later than every copy there is, even where the clock went back', async () => {
    const dir = place('d')
    const clock = new ManualClock(1_000)
    await writeMaintenanceFile(dir, copy(true, 5_000))
    const one = new MaintenanceSwitch(dir, clock)
    await one.load()
    assert.deepEqual(await one.set(false, ''), copy(false, 5_001))
    assert.deepEqual(latest(await readMaintenanceFile(dir), copy(true, 5_000)), copy(false, 5_001))
  })

  test('takes over newer copies, keeps them, and leaves older ones and nonsense', async () => {
    const dir = place('e')
    const one = new MaintenanceSwitch(dir, new ManualClock(1_000))
    await one.hear(undefined, null, 'on', copy(true, 400), copy(true, 500, 'from the ledger'))
    assert.deepEqual(one.current, copy(true, 500, 'from the ledger'))
    assert.deepEqual(await readMaintenanceFile(dir), one.current)
    await one.hear(copy(false, 499))
    assert.deepEqual(one.current, copy(true, 500, 'from the ledger'))
  })

  test('that cannot be written says so and is not switched', async () => {
    const one = new MaintenanceSwitch(join(folder, 'missing'), new ManualClock())
    await assert.rejects(one.set(true, ''), { code: 'ENOENT' })
    assert.deepEqual(one.current, noMaintenance)
  })
})

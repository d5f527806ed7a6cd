// The lease file: whole or not there, and never believed further than it can be.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, suite, test } from 'node:test'
import fc from 'fast-check'
import { readLease, removeLease, writeLease } from '../../../agent/hold/lease-file.ts'

const now = 1_700_000_000_000
const longest = 60_000
const lease = { holdId: '5f3d1d6e-7b1c-4b8e-9a55-3f1f0c7e9d11', endsAt: now + 30_000, databases: ['app', 'a "b"'] }
const folders: string[] = []
let folder = ''

suite('the lease file', () => {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lease-'))
    folders.push(folder)
  })
  after(() => {
    for (const one of folders) rmSync(one, { recursive: true })
  })
  const file = (): string => join(folder, 'pool-lease.json')

  test('is read as it was written, and nothing is left beside it', async () => {
    await writeLease(folder, lease)
    assert.deepEqual(await readLease(folder, now, longest), { state: 'valid', lease })
    assert.deepEqual(readdirSync(folder), ['pool-lease.json'])
  })

  test('is made in a folder that does not exist yet', async () => {
    await writeLease(join(folder, 'a', 'b'), lease)
    assert.equal((await readLease(join(folder, 'a', 'b'), now, longest)).state, 'valid')
  })

  test('that was never written, or was removed, says nothing', async () => {
    assert.deepEqual(await readLease(folder, now, longest), { state: 'none' })
    await writeLease(folder, lease)
    await removeLease(folder)
    assert.deepEqual(await readLease(folder, now, longest), { state: 'none' })
    await removeLease(folder)
  })

  test('stands until the very moment of its end, and then names what to resume', async () => {
    await writeLease(folder, lease)
    assert.equal((await readLease(folder, lease.endsAt - 1, longest)).state, 'valid')
    const found = await readLease(folder, lease.endsAt, longest)
    assert.deepEqual(found, { state: 'over', why: 'the lease has ended', databases: lease.databases })
  })

  test('that would end later than the longest hold was written by another clock, and is over', async () => {
    await writeLease(folder, { ...lease, endsAt: now + longest + 1 })
    assert.equal((await readLease(folder, now, longest)).state, 'over')
  })

  test('that is a folder is over, and can be removed', async () => {
    mkdirSync(file())
    const found = await readLease(folder, now, longest)
    assert.ok(found.state === 'over' && found.databases === undefined)
    await removeLease(folder)
    assert.deepEqual(readdirSync(folder), [])
  })

  test('with whatever bytes in it is over, and nobody knows for which databases', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (text) => {
        writeFileSync(file(), text)
        const found = await readLease(folder, now, longest)
        assert.ok(found.state === 'over' && found.databases === undefined, text)
      }),
    )
  })
})

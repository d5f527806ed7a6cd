// How often PostgreSQL has started anew: told apart by who began anew, and never lost with the sidecar.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { ReadingStore } from '../../agent/loop/readings.ts'
import { Restarts, sawRun } from '../../agent/restarts.ts'
import type { SeenRestarts } from '../../agent/restarts.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import { workerFacts } from '../support/join-facts.ts'

const { identity } = workerFacts().self
const folder = mkdtempSync(join(tmpdir(), 'restarts-'))
after(() => rmSync(folder, { recursive: true }))

const first: SeenRestarts = { startedAt: 10, checkpointerSince: 11, postmaster: 0, crash: 0 }

const runs: readonly (readonly [
  what: string,
  before: SeenRestarts | undefined,
  run: Pick<SeenRestarts, 'startedAt' | 'checkpointerSince'>,
  seen: SeenRestarts,
])[] = [
  ['the first one', undefined, { startedAt: 10, checkpointerSince: 11 }, first],
  ['the same one', first, { startedAt: 10, checkpointerSince: 11 }, first],
  [
    'one of a new postmaster',
    { ...first, crash: 3 },
    { startedAt: 20, checkpointerSince: 21 },
    { startedAt: 20, checkpointerSince: 21, postmaster: 1, crash: 3 },
  ],
  [
    'one that began anew under the same postmaster',
    first,
    { startedAt: 10, checkpointerSince: 15 },
    { ...first, checkpointerSince: 15, crash: 1 },
  ],
  ['one whose processes may not be seen', first, { startedAt: 10, checkpointerSince: null }, first],
  [
    'one whose processes may be seen by now',
    { ...first, checkpointerSince: null },
    { startedAt: 10, checkpointerSince: 11 },
    first,
  ],
]

suite('a run of PostgreSQL', () => {
  for (const [what, before, run, seen] of runs)
    test(`that is ${what} counts so`, () => {
      assert.deepEqual(sawRun(before, run), seen)
    })
})

suite('a count of restarts', () => {
  /** A sidecar that has seen these runs. */
  async function sidecar(runDir: string, ...seen: readonly number[]): Promise<Restarts> {
    const readings = new ReadingStore()
    const restarts = new Restarts(runDir, readings)
    await restarts.load()
    for (const startedAt of seen) {
      const value = { ...identity, startedAt, checkpointerSince: startedAt + 1 }
      readings.record('postgres.identity', { value }, { begunAt: 0, takenAt: 0, durationMs: 0 })
    }
    return restarts
  }
  const writes = async (runDir: string, wanted: SeenRestarts): Promise<void> => {
    await eventually('the last one is written', () => {
      assert.deepEqual(JSON.parse(readFileSync(join(runDir, 'restarts.json'), 'utf8')), wanted)
      return true
    })
  }

  test('goes on in the next sidecar, and has what happened between them', async () => {
    assert.equal((await sidecar(folder)).counts, undefined)
    assert.deepEqual((await sidecar(folder, 10, 10, 20)).counts, { postmaster: 1, crash: 0 })
    await writes(folder, { startedAt: 20, checkpointerSince: 21, postmaster: 1, crash: 0 })
    assert.deepEqual((await sidecar(folder)).counts, { postmaster: 1, crash: 0 })
    assert.deepEqual((await sidecar(folder, 30)).counts, { postmaster: 2, crash: 0 })
    await writes(folder, { startedAt: 30, checkpointerSince: 31, postmaster: 2, crash: 0 })
  })

  test('begins anew where its file is damaged or cannot be written', async () => {
    for (const text of ['', '{}', '{"startedAt":1,"checkpointerSince":2,"postmaster":-1,"crash":0}']) {
      const damaged = mkdtempSync(join(folder, 'damaged-'))
      writeFileSync(join(damaged, 'restarts.json'), text)
      assert.deepEqual((await sidecar(damaged, 10)).counts, { postmaster: 0, crash: 0 })
      await writes(damaged, { startedAt: 10, checkpointerSince: 11, postmaster: 0, crash: 0 })
    }
    assert.deepEqual((await sidecar(join(folder, 'missing'), 10, 20)).counts, { postmaster: 1, crash: 0 })
  })
})

// Has the fencing authority spoken: for this address and this timeline, in its file, and not otherwise.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { loadConfig } from '../../../agent/config.ts'
import { fencingSpoke, unfenced } from '../../../agent/cluster/fencing.ts'
import { ownRow, workerFacts } from '../../support/join-facts.ts'
import { scriptedSql } from '../../support/scripted-sql.ts'

const folder = mkdtempSync(join(tmpdir(), 'fencing-test-'))
after(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'fencing')
const address = { host: 'worker-1-b', port: 5432 }

const said: readonly [text: string, spoke: boolean][] = [
  ['worker-1-b:5432 4', true],
  ['worker-1-b:5432 4\n', true],
  ['  worker-1-b:5432 4 \r\nsomething else\n', true],
  ['', false],
  ['\nworker-1-b:5432 4', false],
  ['worker-1-b:5432', false],
  ['worker-1-b:5432 3', false],
  ['worker-1-b:5432 5', false],
  ['worker-1-b:5432 44', false],
  ['worker-1:5432 4', false],
  ['worker-1-b:5433 4', false],
  ['worker-1-b 4', false],
  ['not worker-1-b:5432 4', false],
]

suite('the fencing authority', () => {
  for (const [text, spoke] of said) {
    test(`${spoke ? 'has spoken' : 'has not spoken'} with ${JSON.stringify(text)}`, async () => {
      writeFileSync(file, text)
      const why = await fencingSpoke(file, address, 4)
      if (spoke) assert.equal(why, undefined)
      else assert.match(why ?? '', /^the fencing authority says ".*", not "worker-1-b:5432 4"$/)
    })
  }

  test('has not spoken while there is no file, or none is configured', async () => {
    assert.match((await fencingSpoke(join(folder, 'missing'), address, 4)) ?? '', /has not spoken \(ENOENT/)
    assert.match((await fencingSpoke(folder, address, 4)) ?? '', /has not spoken \(EISDIR/)
    assert.equal(await fencingSpoke(undefined, address, 4), 'no fencing authority is configured')
  })
})

suite('a promotion', () => {
  const config = loadConfig(
    {
      CITUS_SIDECAR_ROLE: 'worker',
      CITUS_SIDECAR_ADDRESS: 'worker-1-b',
      CITUS_SIDECAR_COORDINATOR: 'coordinator',
      CITUS_SIDECAR_FENCING_FILE: file,
    },
    'worker-1-b',
  )
  const { self } = workerFacts({ identity: { timeline: 4 } })

  async function why(found: object, text: string): Promise<string | undefined> {
    writeFileSync(file, text)
    return await unfenced(ownRow, self, config, scriptedSql({ when: /identity_at/, rows: [{ found }] }))
  }

  test('is not followed while the coordinator still reaches a primary, whatever the authority says', async () => {
    const reached = { systemIdentifier: '7002', inRecovery: false }
    assert.equal(await why(reached, 'worker-1-b:5432 4'), 'the coordinator still reaches a primary at worker-1:5432')
  })

  test('is not followed while the authority is silent, though nobody answers', async () => {
    assert.match((await why({ error: 'no answer' }, '')) ?? '', /the fencing authority says ""/)
  })

  test('is followed once the old primary is gone, or is a standby now, and the authority has spoken', async () => {
    assert.equal(await why({ error: 'no answer' }, 'worker-1-b:5432 4'), undefined)
    assert.equal(await why({ systemIdentifier: '7002', inRecovery: true }, 'worker-1-b:5432 4'), undefined)
  })
})

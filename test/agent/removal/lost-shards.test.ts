// A worker that is gone with shards: who counts as gone, and that it is said once.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { LostShards, watched } from '../../../agent/removal/lost-shards.ts'
import type { Others } from '../../../agent/removal/lost-shards.ts'
import { memberOf, moment, rowOf } from '../../support/join-facts.ts'

const coordinator = { systemIdentifier: '1', serverId: '1', groupId: 0, inRecovery: false }
const peer = (groupId: number, reachable: boolean) => ({
  host: `worker-${groupId}`,
  port: 5432,
  groupId,
  reachable,
  durationMs: 1,
})
const others: Others = {
  members: [
    memberOf('coordinator', 0),
    memberOf('worker-1', 1),
    memberOf('worker-2', 2),
    memberOf('standby', 2, { inRecovery: true }),
  ],
  view: { coordinator, nodes: [rowOf(0, 'coordinator'), rowOf(1, 'worker-1'), rowOf(2, 'worker-2')] },
  peers: [peer(1, true), peer(2, true)],
  now: moment,
}
const silent = { ...others, members: others.members.with(2, memberOf('worker-2', 2, { lastSeen: moment - 121_000 })) }
const gone = { ...silent, peers: [peer(1, true), peer(2, false)] }

suite('a worker', () => {
  const goneIn = (facts: Others): readonly string[] => watched(facts).flatMap((one) => (one.gone ? [one.member] : []))

  test('is watched where it is registered as a primary', () =>
    assert.deepEqual(
      watched(others).map(({ member }) => member),
      ['worker-1', 'worker-2'],
    ))

  test('is gone when its sidecar is silent for as long as it keeps an address and PostgreSQL does not answer', () => {
    assert.deepEqual(goneIn(gone), ['worker-2'])
    assert.deepEqual(goneIn(silent), [])
    assert.deepEqual(goneIn({ ...others, peers: gone.peers }), [])
  })

  test('is not gone because nobody could ask', () => {
    assert.deepEqual(goneIn({ ...gone, peers: undefined }), [])
    assert.deepEqual(watched({ ...gone, view: undefined }), [])
  })
})

test('it is said once that a worker with shards is gone, and once that it is back', async () => {
  const said: unknown[] = []
  const lost = new LostShards((name, details) => said.push([name, details]))
  let shards = 3
  const asked: unknown[] = []
  const sql = {
    query: async <Row extends object>(_text: string, values?: readonly unknown[]) => {
      asked.push(values)
      return await Promise.resolve([{ shards }] as unknown as readonly Row[])
    },
  }
  await lost.look(others, sql)
  assert.deepEqual(
    [lost.found, asked],
    [
      [
        { member: 'worker-1', shards: 0 },
        { member: 'worker-2', shards: 0 },
      ],
      [],
    ],
  )
  for (let look = 0; look < 2; look += 1) await lost.look(gone, sql)
  assert.deepEqual([said, asked], [[['member.lost', { member: 'worker-2', shards: 3 }]], [[2], [2]]])
  await lost.look(others, sql)
  assert.deepEqual(said.at(-1), ['member.back', { member: 'worker-2' }])
  // Only copies of what others have as well.
  shards = 0
  await lost.look(gone, sql)
  assert.equal(said.length, 2)
})

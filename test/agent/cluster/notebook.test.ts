// The notebook: rows to what this node knows of itself, and what a verification writes down.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  readNotebook,
  readTimelineHistory,
  verificationOf,
  writeVerification,
} from '../../../agent/cluster/notebook.ts'
import { blankNotebook, moment, ownRow, workerFacts } from '../../support/join-facts.ts'
import { scriptedSql } from '../../support/scripted-sql.ts'

suite('the notebook', () => {
  test('in which nothing was written knows nothing, instead of null', async () => {
    const row = Object.fromEntries(Object.keys(blankNotebook).map((name) => [name, null]))
    const sql = scriptedSql({ when: /notebook/, rows: [row] })
    assert.deepEqual(await readNotebook(sql), blankNotebook)
  })

  test('without its row says that bootstrap has to run', async () => {
    await assert.rejects(readNotebook(scriptedSql()), /has no row; run `citus-sidecar bootstrap` on this node/)
  })

  test('learns with a verification who was confirmed by whom, and when', async () => {
    const found = verificationOf(workerFacts(), ownRow, moment)
    assert.deepEqual(found, {
      name: 'worker-1',
      systemIdentifier: '7002',
      timeline: 3,
      lsn: '0/6000000',
      groupId: 2,
      nodeId: 2,
      coordinatorSystemIdentifier: '7000',
      coordinatorServerId: 'server-0',
      verifiedAt: moment,
    })
    const sql = scriptedSql()
    await writeVerification(sql, { ...found, coordinatorServerId: undefined })
    assert.deepEqual(sql.asked[0]?.values, ['worker-1', '7002', 3, '0/6000000', 2, 2, '7000', null, moment])
  })
})

test('a timeline without a history file has no branch points', async () => {
  assert.equal(await readTimelineHistory(scriptedSql({ when: /timeline_history/, rows: [{ history: null }] }), 1), '')
  assert.equal(await readTimelineHistory(scriptedSql(), 1), '')
})

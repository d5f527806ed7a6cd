// Where a node stands: what each judgement makes of it, and that it is said once.
import assert from 'node:assert/strict'
import { beforeEach, suite, test } from 'node:test'
import { finding } from '../../../agent/cluster/findings.ts'
import { JoinState } from '../../../agent/cluster/join-state.ts'
import type { EventName } from '../../../agent/events.ts'
import { ownRow } from '../../support/join-facts.ts'

const waiting = finding('coordinator-without-host', 'the coordinator has not set its own host yet')
const refused = finding('disabled', 'node 2 was disabled')
const away = finding('coordinator-unreachable', 'no answer')
const standby = finding('coordinator-standby', 'the coordinator that answers is in recovery')

suite('where a node stands', () => {
  let said: { name: EventName; details: Readonly<Record<string, unknown>> | undefined }[]
  let state: JoinState

  beforeEach(() => {
    said = []
    state = new JoinState(false, (name, details) => void said.push({ name, details }))
  })

  const names = (): readonly EventName[] => said.map(({ name }) => name)

  test('is pending before anybody was asked', () => {
    assert.equal(state.join.finding, 'pending')
    assert.equal(state.join.reason, 'the coordinator has not been asked yet')
    assert.equal(state.finding, undefined)
    assert.deepEqual(said, [])
  })

  test('is off beside a standalone server', () => {
    assert.equal(new JoinState(true, () => assert.fail('nothing to say')).join.finding, 'off')
  })

  test('is verified with its row, since when, and whether its metadata is in sync', () => {
    state.verified({ ...ownRow, metadataSynced: false }, 5, 'worker')
    assert.deepEqual(state.join, {
      finding: 'verified',
      verifiedAt: 5,
      metadataSynced: false,
      reason: 'node 2 of group 2',
      action: '',
    })
    state.verified(ownRow, 6, 'coordinator')
    assert.equal(state.join.metadataSynced, undefined)
  })

  test('is verified without a row for a standby that need not register', () => {
    state.verified(undefined, 5, 'worker')
    assert.deepEqual([state.join.finding, state.join.reason], ['verified', 'a standby that does not register'])
  })

  test('is pending while it waits and refused until a person speaks, each with reason and action', () => {
    state.stopped(waiting)
    assert.deepEqual(
      [state.join.finding, state.join.reason, state.join.action],
      ['pending', waiting.reason, waiting.action],
    )
    assert.equal(state.finding, waiting)
    state.stopped(refused)
    assert.deepEqual(
      [state.join.finding, state.join.reason, state.join.action],
      ['refused', refused.reason, refused.action],
    )
    assert.equal(state.finding, refused)
  })

  for (const nobody of [away, standby])
    test(`is blind with ${nobody.code}, and what was verified before stays`, () => {
      state.verified(ownRow, 5, 'worker')
      state.stopped(nobody)
      const { finding: stand, verifiedAt, metadataSynced, reason } = state.join
      assert.deepEqual([stand, verifiedAt, metadataSynced], ['blind', 5, true])
      assert.equal(reason, `the coordinator cannot be asked (${nobody.reason})`)
      assert.equal(state.finding, undefined)
    })

  test('is no longer what stopped it once the coordinator confirmed it', () => {
    state.stopped(refused)
    state.verified(ownRow, 5, 'worker')
    assert.equal(state.finding, undefined)
  })

  test('knows of an earlier verification from the notebook', () => {
    state.remember(3)
    state.blind(away)
    assert.equal(state.join.verifiedAt, 3)
    state.remember(undefined)
    assert.equal(state.join.verifiedAt, undefined)
  })

  test('is said once, however often it is judged, and said again when it is new', () => {
    for (let round = 0; round < 5; round += 1) state.verified(ownRow, round, 'worker')
    for (let round = 0; round < 5; round += 1) state.blind(away)
    for (let round = 0; round < 5; round += 1) state.verified(ownRow, round, 'worker')
    assert.deepEqual(names(), ['join.verified', 'join.blind', 'join.verified'])
  })

  test('is said again for another finding of the same kind, not for another wording', () => {
    state.stopped(refused)
    state.stopped({ ...refused, reason: 'node 2 was disabled a while ago' })
    state.stopped(finding('removed', 'it is gone'))
    state.stopped(waiting)
    assert.deepEqual(names(), ['join.refused', 'join.refused', 'join.waiting'])
    assert.deepEqual(
      said.map(({ details }) => details?.['code']),
      ['disabled', 'removed', 'coordinator-without-host'],
    )
  })

  test('is not said while something is being done about it: the operation speaks for itself', () => {
    state.acting(finding('registration-waits', 'the coordinator does not have this node'))
    assert.deepEqual(said, [])
    assert.equal(state.join.finding, 'pending')
  })
})

// A standby's readiness: two thresholds, patience while its primary restarts, no lag invented where nobody knows it.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Readings } from '../../../probes/probe.ts'
import { standbyCheck } from '../../../probes/verdicts/standby.ts'
import type { StandbyMemory } from '../../../probes/verdicts/standby.ts'
import type { Check } from '../../../probes/verdicts/verdict.ts'
import { broken, healthy, healthyStandby, replicating, withReadings } from '../../support/node-state.ts'

const MB = 1024 ** 2

/** A standby watched over time; each look comes so many milliseconds after the one before. */
class Watched {
  #memory: StandbyMemory = { lagging: false, goodAt: undefined }
  #state = healthyStandby()

  look(readings: Readings, after = 1_000): Check {
    this.#state = { ...withReadings(this.#state, readings), now: this.#state.now + after }
    const { check, memory } = standbyCheck(this.#state, this.#memory)
    this.#memory = memory
    assert.ok(check !== undefined)
    if (check.status === 'failed') assert.ok(check.reason !== '' && check.action !== '', check.reason)
    return check
  }

  statuses(...lags: readonly number[]): Check['status'][] {
    return lags.map((lag) => this.look(replicating(lag * MB)).status)
  }
}

const cut = replicating(undefined, null)

suite('the lag of a standby, limit 64 MB', () => {
  test('makes it unready above the limit and ready again only at half of it', () => {
    const lags = [0, 63, 64, 65, 63, 40, 33, 32, 40, 63, 64, 65]
    const ready = [1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0]
    assert.deepEqual(
      new Watched().statuses(...lags).map((status) => (status === 'ok' ? 1 : 0)),
      ready,
    )
  })

  test('is told with the limit', () => {
    const { reason, action } = new Watched().look(replicating(100 * MB))
    assert.equal(reason, 'replay is behind by 100.0 MB; allowed 64.0 MB, ready again below half of it')
    assert.match(action, /long queries/)
  })

  test('of a paused replay has another remedy', () => {
    const { reason, action } = new Watched().look(replicating(100 * MB, 'streaming', true))
    assert.match(reason, /^replay is paused/)
    assert.match(action, /pg_wal_replay_resume/)
  })
})

suite('a standby that does not stream', () => {
  test('has an unknown lag, never lag 0', () => {
    const { status, reason } = new Watched().look(cut)
    assert.equal(status, 'failed')
    assert.match(reason, /does not stream \(WAL receiver: none\), so its lag is unknown/)
  })

  test('is not ready at once where it never streamed', () => {
    for (const status of [null, 'starting', 'waiting', 'stopping'])
      assert.equal(new Watched().look(replicating(undefined, status)).status, 'failed')
  })

  test('stays ready for the grace period where it did, and says how long still', () => {
    const standby = new Watched()
    standby.look(replicating(0))
    assert.match(standby.look(cut, 10_000).reason, /tolerated for 50 s more/)
    assert.equal(standby.look(cut, 50_000).status, 'warning')
    assert.equal(standby.look(cut, 1).status, 'failed')
  })

  test('gets a new grace period once it has streamed again', () => {
    const standby = new Watched()
    standby.look(replicating(0))
    assert.equal(standby.look(cut, 61_000).status, 'failed')
    assert.equal(standby.look(replicating(MB)).status, 'ok')
    assert.equal(standby.look(cut, 59_000).status, 'warning')
  })

  test('does not become ready by losing its stream while it lags', () => {
    const standby = new Watched()
    standby.look(replicating(0))
    assert.equal(standby.look(replicating(100 * MB)).status, 'failed')
    assert.equal(standby.look(cut).status, 'failed')
  })

  test('still lags where it lagged before, until it is seen below half of the limit', () => {
    const standby = new Watched()
    standby.look(replicating(100 * MB))
    standby.look(cut, 100_000)
    assert.deepEqual(standby.statuses(40, 31), ['failed', 'ok'])
  })
})

suite('a standby whose primary fell silent on an open connection', () => {
  const silent = (ms: number, lag = 0): Readings => replicating(lag, 'streaming', false, ms)

  test('is ready while the silence may be that of an idle primary', () => {
    assert.equal(new Watched().look(silent(35_000)).status, 'ok')
  })

  test('says so, and stays ready for the rest of a grace period that began when the primary was last heard', () => {
    const standby = new Watched()
    standby.look(replicating(0))
    const { status, reason } = standby.look(silent(36_000), 36_000)
    assert.equal(status, 'warning')
    assert.match(
      reason,
      /^the primary has not been heard of for 36 s though .* lag is unknown; tolerated for 24 s more$/,
    )
    assert.equal(standby.look(silent(61_000), 25_000).status, 'failed')
  })

  test('does not become ready again by the end of that connection', () => {
    const standby = new Watched()
    // Looked at all the time, with what was last heard still there.
    for (let heardAgo = 0; heardAgo <= 35_000; heardAgo += 5_000) standby.look(silent(heardAgo), 5_000)
    assert.equal(standby.look(silent(61_000), 26_000).status, 'failed')
    assert.equal(standby.look(cut).status, 'failed')
    assert.equal(standby.look(replicating(0)).status, 'ok')
  })

  test('is not ready at once where it lagged or was never heard', () => {
    assert.equal(new Watched().look(silent(36_000)).status, 'failed')
    const standby = new Watched()
    standby.look(replicating(100 * MB))
    assert.equal(standby.look(silent(36_000), 36_000).status, 'failed')
  })
})

suite('a standby whose replication cannot be asked', () => {
  test('is unknown, with the reason', () => {
    const failed = { 'postgres.replication': broken('postgres.replication', { message: 'canceling statement' }) }
    assert.deepEqual(new Watched().look(failed), {
      name: 'replication',
      status: 'unknown',
      reason: 'canceling statement',
      action: '',
    })
  })

  test('does not become ready by that while it lags', () => {
    const standby = new Watched()
    standby.look(replicating(100 * MB))
    const failed = { 'postgres.replication': broken('postgres.replication', { message: 'canceling statement' }) }
    const { status, reason } = standby.look(failed)
    assert.equal(status, 'failed')
    assert.match(reason, /canceling statement/)
  })
})

test('a receiver that streams but has heard no position is not said to be cut off', () => {
  const { reason } = new Watched().look(replicating(undefined, 'streaming'))
  assert.doesNotMatch(reason, /does not stream/)
  assert.match(reason, /lag is unknown/)
})

test('a primary has no such check', () => {
  const memory = { lagging: true, goodAt: 5 }
  assert.deepEqual(standbyCheck(healthy(), memory), { check: undefined, memory })
})

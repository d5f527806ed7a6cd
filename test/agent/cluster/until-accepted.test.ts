// Waiting for a server that is on its way: what passes is waited for, what does not is told at once.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { untilAccepted } from '../../../agent/cluster/until-accepted.ts'
import { SidecarError } from '../../../agent/errors.ts'
import { ManualClock } from '../../support/manual-clock.ts'

/** How connect() fails for this SQLSTATE or errno. */
function refusal(code: string, message = code): SidecarError {
  return new SidecarError('CONNECT_FAILED', 'somewhere', { cause: Object.assign(new Error(message), { code }) })
}

/** Waits with a turned clock for a server that meets each try with the next of these, then lets it in. */
async function wait(meets: readonly Error[], longest: number, stop = new AbortController()) {
  const clock = new ManualClock()
  const told: string[] = []
  let tries = 0
  const waiting = untilAccepted(
    async () => {
      const error = meets[tries]
      tries += 1
      if (error !== undefined) throw error
      return await Promise.resolve('in')
    },
    { clock, longest, onWait: (reason) => told.push(reason) },
    stop.signal,
  ).catch((error: unknown) => error)
  await clock.advance(10_000)
  return { outcome: await waiting, tries, told }
}

suite('a server that is on its way', () => {
  test('is waited for until it lets in, and each thing that is waited for is told once', async () => {
    const { outcome, tries, told } = await wait(
      [
        refusal('ENOENT'),
        refusal('ECONNREFUSED'),
        refusal('57P03', 'the database system is starting up'),
        refusal('57P03', 'the database system is starting up'),
        refusal('57P03', 'the database system is not yet accepting connections'),
        refusal('53300', 'sorry, too many clients already'),
      ],
      10_000,
    )
    assert.deepEqual([outcome, tries], ['in', 7])
    assert.deepEqual(
      told.map((line) => line.split(' (')[0]),
      [
        'nothing listens where PostgreSQL should be',
        'PostgreSQL is starting up',
        'PostgreSQL is in recovery and not yet consistent',
        'PostgreSQL has no free connection slot',
      ],
    )
  })

  test('is given up with its last answer when time is up', async () => {
    const meets = Array.from({ length: 100 }, () => refusal('57P03', 'the database system is starting up'))
    const { outcome, tries } = await wait(meets, 2_000)
    assert.equal(outcome, meets[tries - 1])
    assert.ok(tries > 5 && tries < 15, `${tries} tries`)
  })

  test('is tried once where nobody has patience', async () => {
    const { outcome, tries, told } = await wait([refusal('ECONNREFUSED')], 0)
    assert.ok(outcome instanceof SidecarError)
    assert.deepEqual([tries, told], [1, []])
  })

  test('is not waited for once the program is to end', async () => {
    const stop = new AbortController()
    stop.abort(new Error('SIGTERM'))
    assert.equal((await wait([refusal('ECONNREFUSED')], 10_000, stop)).tries, 1)
  })
})

suite('what does not pass by itself is told at once', () => {
  const lasting: readonly [what: string, error: Error][] = [
    ['a wrong password', refusal('28P01')],
    ['a login that pg_hba.conf refuses', refusal('28000')],
    ['a database that is missing', refusal('3D000')],
    ['a server without Citus', new SidecarError('BOOTSTRAP_FAILED', 'no extension citus')],
    ['anything else', new Error('never heard of')],
  ]
  for (const [what, error] of lasting)
    test(what, async () => {
      const { outcome, tries } = await wait([error], 10_000)
      assert.deepEqual([outcome, tries], [error, 1])
    })
})

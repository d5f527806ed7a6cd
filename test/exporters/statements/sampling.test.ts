// Which statements get spans, and that no caller gets more than a minute has.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Sampling } from '../../../exporters/statements/sampling.ts'
import type { Statement } from '../../../exporters/statements/statement.ts'
import { noon, statement } from '../../support/statements.ts'

const limits = { perMinute: 4, ownPerMinute: 2, slowMs: 1_000 }
const caller = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }
const asked = { ...caller, sampled: true, source: 'comment' } as const
const unasked = { ...caller, sampled: false, source: 'comment' } as const
const slow = { startedAt: noon - 1_000 }

suite('a statement', () => {
  const cases: readonly [what: string, change: Partial<Statement>, reason: string | undefined, linked: boolean][] = [
    ['whose caller asks for it gets a span under the caller', { context: asked }, 'caller', false],
    ['whose caller does not gets none', { context: unasked }, undefined, false],
    ['without a caller gets none', {}, undefined, false],
    ['that was slow gets one of its own', slow, 'slow', false],
    [
      'that was slow though its caller did not ask is linked to the caller',
      { ...slow, context: unasked },
      'slow',
      true,
    ],
    ['that failed gets one of its own', { failed: '23505' }, 'failed', false],
    ['that failed and was asked for stays with the caller', { failed: '23505', context: asked }, 'caller', false],
  ]
  for (const [what, change, reason, linked] of cases)
    test(what, () => {
      const found = new Sampling(limits).of(statement(change), noon)
      assert.equal(found?.reason, reason)
      assert.equal(found?.parent?.spanId, reason === 'caller' ? caller.spanId : undefined)
      assert.equal(found?.caller?.spanId, linked ? caller.spanId : undefined)
    })

  test('is never slow where that is switched off', () => {
    assert.equal(new Sampling({ ...limits, slowMs: 0 }).of(statement(slow), noon), undefined)
  })
})

suite('in one minute', () => {
  test('callers get no more spans than there are, commands included, and the next minute as many again', () => {
    const sampling = new Sampling(limits)
    const reasons = [0, 1, 2, 3, 4].map((at) => sampling.of(statement({ context: asked }), noon + at)?.reason)
    assert.deepEqual(reasons, ['caller', 'caller', 'caller', 'caller', undefined])
    assert.equal(sampling.capped, 1)
    assert.equal(sampling.under(asked, 3, noon + 60_000)?.reason, 'caller')
    assert.equal(sampling.under(asked, 0, noon + 60_000), undefined)
    assert.equal(sampling.capped, 2)
  })

  test('a statement for which there is no more room is told by itself where it was slow, with a link to its caller', () => {
    const sampling = new Sampling({ ...limits, perMinute: 0 })
    const found = sampling.of(statement({ ...slow, context: asked }), noon)
    assert.deepEqual([found?.reason, found?.parent, found?.caller?.spanId], ['slow', undefined, caller.spanId])
  })

  test('no more statements are told by themselves than are allowed', () => {
    const sampling = new Sampling(limits)
    const reasons = [0, 1, 2].map(() => sampling.of(statement({ failed: '40001' }), noon)?.reason)
    assert.deepEqual(reasons, ['failed', 'failed', undefined])
    assert.equal(sampling.capped, 1)
  })
})

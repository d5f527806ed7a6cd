// What another sidecar's answer must be to be believed.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { readAnswers } from '../../../exporters/statements/link-wire.ts'

const link = {
  method: 'command',
  traceId: 'a'.repeat(32),
  spanId: 'b'.repeat(16),
  sampled: true,
  startedAt: 1_790_000_000_000,
  endedAt: 1_790_000_000_010,
}
const said = (changes: object, times: object = {}): string =>
  JSON.stringify({ receivedAt: link.startedAt, sentAt: link.startedAt, answers: [{ ...link, ...changes }], ...times })

suite('an answer', () => {
  test('is taken as it is', () => assert.deepEqual(readAnswers(said({}), 1)?.answers, [link]))

  test('with times that no receiver of spans could read is none', () => {
    for (const time of [-1, 1e15, 1e300, null, '1'])
      for (const text of [said({ startedAt: time }), said({ endedAt: time }), said({}, { sentAt: time })])
        assert.equal(readAnswers(text, 1), undefined, text)
  })
})

// What a verdict is made of: only a failed check fails it, and how it reads.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { ageText, failed, ok, toVerdict, unknown, verdictText, warning } from '../../../probes/verdicts/verdict.ts'

const check = fc.record({
  name: fc.string(),
  status: fc.constantFrom('ok', 'warning', 'unknown', 'failed'),
  reason: fc.string(),
  action: fc.string(),
})

suite('a verdict', () => {
  test('fails exactly when one of its checks failed: no warning and nothing unknown ever does that', () => {
    fc.assert(
      fc.property(fc.array(check), (checks) => {
        assert.equal(toVerdict(checks).ok, checks.filter(({ status }) => status === 'failed').length === 0)
      }),
    )
  })

  test('reads as one line a check, with reason and what to do', () => {
    const verdict = toVerdict([
      ok('postgres'),
      ok('versions', 'Citus 13.2.2'),
      warning('peers', '1 of 2 cannot be reached', 'look there'),
      unknown('connections', 'not tried yet'),
      failed('registered', 'the coordinator has it disabled', 'run accept'),
    ])
    assert.equal(
      verdictText(verdict),
      [
        '[+]postgres ok',
        '[+]versions ok: Citus 13.2.2',
        '[!]peers warning: 1 of 2 cannot be reached; look there',
        '[?]connections unknown: not tried yet',
        '[-]registered failed: the coordinator has it disabled; run accept',
      ].join('\n'),
    )
  })
})

const ages: readonly [ms: number, text: string][] = [
  [-5, '0 ms'],
  [0, '0 ms'],
  [999, '999 ms'],
  [1_000, '1 s'],
  [119_000, '119 s'],
  [120_000, '2 min'],
  [7_199_000, '120 min'],
  [7_200_000, '2 h'],
  [86_400_000 * 3, '72 h'],
]

for (const [ms, text] of ages) test(`an age of ${ms} ms reads as ${text}`, () => assert.equal(ageText(ms), text))

// The house rules that no linter knows: what every source file has, and what none has.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { sourcesIn } from '../support/sources.ts'
import type { Source } from '../support/sources.ts'

const product = sourcesIn('agent', 'exporters', 'probes')
const all = [...product, ...sourcesIn('deploy', 'test')]
const lines = ({ text }: Source): number => text.trimEnd().split('\n').length

/** The files that break a rule. */
function breaking(files: readonly Source[], rule: (file: Source) => boolean): readonly string[] {
  return files.filter((file) => !rule(file)).map(({ path }) => path)
}

suite('every source file', () => {
  test('is looked at', () => {
    assert.ok(product.length > 75, `${product.length} files of the product`)
    assert.ok(all.length > 150, `${all.length} files`)
  })

  test('says first what it is for', () => {
    const comment = /^(?:#!.*\n)?(?:\/\/ \S.{10,}|\/\*\*?\s)/
    assert.deepEqual(
      breaking(all, ({ text }) => comment.test(text)),
      [],
    )
  })

  test('has at most 300 lines', () =>
    assert.deepEqual(
      breaking(all, (file) => lines(file) <= 300),
      [],
    ))

  test('is named in kebab case after one thing', () => {
    const name = /^(?:[a-z0-9]+-)*[a-z0-9]+(?:\.(?:test|suite))?\.ts$/
    assert.deepEqual(
      breaking(all, ({ path }) => name.test(path.split('/').at(-1) ?? '')),
      [],
    )
    const drawer = /(?:^|[/-])(?:utils?|helpers?|common|managers?|misc)(?:[.-]|$)/
    assert.deepEqual(
      breaking(all, ({ path }) => !drawer.test(path)),
      [],
    )
  })

  test('leaves nothing to be done later', () => {
    // Put together here, so that this file does not break its own rule.
    const later = new RegExp(`\\b(?:${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK'].join('|')})\\b`)
    assert.deepEqual(
      breaking(all, ({ text }) => !later.test(text)),
      [],
    )
  })

  test('of tests tests something, and runs for all: none is alone or left out for good', () => {
    const tests = all.filter(({ path }) => path.endsWith('.test.ts'))
    assert.ok(tests.length > 40)
    assert.deepEqual(
      breaking(tests, ({ text }) => /\b(?:test|it)\(/.test(text)),
      [],
    )
    assert.deepEqual(
      breaking(tests, ({ text }) => !/\b(?:test|suite|it|describe)\.(?:only|skip|todo)\(/.test(text)),
      [],
    )
  })
})

suite('the product', () => {
  test('reads the environment in agent/main.ts and nowhere else', () => {
    const readers = product.filter(({ text }) => /\bprocess\s*\.\s*env\b|\bprocess\s*\[/.test(withoutComments(text)))
    assert.deepEqual(
      readers.map(({ path }) => path),
      ['agent/main.ts'],
    )
  })

  test('ends the process in agent/lifecycle.ts and nowhere else', () => {
    const enders = product.filter(({ text }) => /\bprocess\.(?:exit|abort|kill)\(/.test(withoutComments(text)))
    assert.deepEqual(
      enders.map(({ path }) => path),
      ['agent/lifecycle.ts'],
    )
  })

  test('takes time and chance as arguments in everything that decides', () => {
    const deciding = /^(?:probes\/|agent\/cluster\/(?:decide|facts|volume-guard|findings|cluster-status)\.ts)/
    const pure = product.filter(({ path }) => deciding.test(path))
    assert.ok(pure.length > 15)
    assert.deepEqual(
      breaking(pure, ({ text }) => !/\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bperformance\.now\(/.test(text)),
      [],
    )
  })
})

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
}

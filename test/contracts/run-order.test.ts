// The order in which the files of a test run begin: it loses none, and what it knows of files is still so.
import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { test } from 'node:test'
import { longest, longestFirst } from '../longest-files.ts'

const files = globSync('test/**/*.test.ts')

test('every file begins once, clusters before what needs none', () => {
  const order = longestFirst(files)
  assert.deepEqual(order.toSorted(), files.toSorted())
  assert.ok(order.indexOf('test/e2e/remove.test.ts') < order.indexOf('test/probes/lsn.test.ts'))
  assert.deepEqual(longestFirst(order.toReversed()), order)
})

test('every pattern of a long file has one', () => {
  for (const pattern of longest)
    assert.ok(
      files.some((file) => pattern.test(file)),
      String(pattern),
    )
})

// Prometheus' own word on the rules: they load, each alert fires when it should with the text that is meant, and not when it should not, and what is
// recorded is what was meant.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { findProgram } from '../../../deploy/local/find-program.ts'
import { runProgram } from '../../../deploy/local/run-program.ts'
import { ruleFiles, unitTestFiles } from '../../support/alert-rules.ts'
import { root } from '../../support/documents.ts'
import { recordingFiles, recordingTestFiles } from '../../support/recording-rules.ts'

const promtool = findProgram('promtool')

/** What it says, when it is content. */
async function content(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(promtool ?? '', args, { env: { LC_ALL: 'C' }, cwd: root })
  assert.equal(code, 0, stdout + stderr)
  return stdout
}

suite('promtool', { skip: promtool === undefined ? 'the program promtool is not installed' : false }, () => {
  for (const path of [...ruleFiles, ...recordingFiles])
    test(`loads ${path}`, async () => {
      assert.match(await content('check', 'rules', '--lint=all', '--lint-fatal', path), /SUCCESS: \d+ rules found/)
    })

  for (const path of unitTestFiles)
    test(`sees every alert of ${path} fire, and be silent`, async () => {
      assert.match(await content('test', 'rules', path), /SUCCESS/)
    })

  for (const path of recordingTestFiles)
    test(`records what ${path} expects`, async () => {
      assert.match(await content('test', 'rules', path), /SUCCESS/)
    })
})

// The command line as people meet it: help, wrong words, and exit codes, on the real program.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { commands } from '../../../agent/commands/index.ts'
import { version } from '../../../agent/version.ts'
import { OWN_AGENT, runAgentCommand } from '../../../deploy/local/agent-command.ts'
import type { ProgramResult } from '../../../deploy/local/run-program.ts'

const names = Object.keys(commands)
const standalone = { CITUS_SIDECAR_ROLE: 'standalone' }

async function run(line: string, env: Readonly<Record<string, string>> = {}): Promise<ProgramResult> {
  return await runAgentCommand(OWN_AGENT, line.split(' ').filter(Boolean), env)
}

suite('help', { concurrency: 2 }, () => {
  test('of the program names every command with a summary', async () => {
    const { code, stdout, stderr } = await run('--help')
    assert.deepEqual([code, stderr], [0, ''])
    for (const name of names) assert.match(stdout, new RegExp(`^ {2}${name} +\\S.*\\S$`, 'm'))
    assert.match(stdout, /Exit codes: 0 good, 1 failed, 2 bad configuration or usage, 3 the check found problems/)
    assert.equal((await run('help')).stdout, stdout)
  })

  test('is what no command at all gets, as an error', async () => {
    const { code, stdout } = await run('')
    assert.equal(code, 2)
    assert.match(stdout, /usage: citus-sidecar COMMAND/)
  })

  for (const name of names)
    test(`of ${name} needs no settings, whatever else is on the line`, async () => {
      const { code, stdout, stderr } = await run(`${name} --nonsense --help`)
      assert.deepEqual([code, stderr], [0, ''])
      assert.match(stdout, new RegExp(`^usage: citus-sidecar ${name}\\b`, 'm'))
    })

  test('of whatever prints data offers --json', async () => {
    for (const name of names.filter((one) => one !== 'run')) {
      const { usage } = await (commands[name] ?? assert.fail)()
      assert.match(usage, /--json/, name)
    }
  })
})

test('--version is the version and nothing else', async () => {
  assert.deepEqual(await run('--version'), { code: 0, stdout: `${version}\n`, stderr: '' })
})

/** A line, its exit code, and what is said on standard error. */
type Line = readonly [line: string, env: Readonly<Record<string, string>>, code: number, says: RegExp]
const lines: readonly Line[] = [
  ['rise', {}, 2, /^"rise" is no command; allowed: run, .*config\n$/],
  ['toString', {}, 2, /^"toString" is no command/],
  ['--colour', {}, 2, /^"--colour" is no command/],
  ...names.map(
    (name) => [`${name} --colour`, standalone, 2, /^Unknown option '--colour'; allowed: .*--help\n$/] as const,
  ),
  ['run here', standalone, 2, /^unexpected argument 'here'; allowed: no options, --help\n$/],
  ['status here', standalone, 2, /^unexpected argument 'here'/],
  ['config --json=yes', standalone, 2, /--json.* does not take an argument/],
  ['maintenance', standalone, 2, /^"" is no state of maintenance; allowed: on, off\n$/],
  ['maintenance away', standalone, 2, /^"away" is no state of maintenance; allowed: on, off\n$/],
  ['maintenance on off', standalone, 2, /^unexpected argument 'off'/],
  ['maintenance on --reason', standalone, 2, /--reason.*argument missing/],
  ['status', standalone, 2, /^role standalone belongs to no cluster/],
  ['top here', standalone, 2, /^unexpected argument 'here'/],
  ['top --minutes 61', standalone, 2, /^--minutes: "61" is not accepted; allowed: 1 to 60\n$/],
  ['top --by rows', standalone, 2, /^--by: "rows" is not accepted; allowed: total, mean, p95, count, errors\n$/],
  ['remove', standalone, 2, /^role standalone belongs to no cluster\n$/],
  ['remove one two', standalone, 2, /^unexpected argument 'two'/],
  ['remove --plan --cancel', standalone, 2, /^--plan and --cancel do not go together; allowed: one of them\n$/],
  [
    'remove --transfer-mode slow',
    standalone,
    2,
    /^--transfer-mode: "slow" is not accepted; allowed: auto, force_logical, block_writes\n$/,
  ],
  ...names
    .filter((name) => name !== 'maintenance')
    .map((name) => [name, {}, 2, /^CITUS_SIDECAR_ROLE: is not set, every sidecar needs one; allowed: /] as const),
  ['maintenance on', {}, 2, /^CITUS_SIDECAR_ROLE: is not set/],
  [
    'run',
    { ...standalone, CITUS_SIDECAR_HTTP_PORT: '0' },
    2,
    /^CITUS_SIDECAR_HTTP_PORT: "0" is not accepted; allowed: /,
  ],
]

suite('a wrong line', { concurrency: 2 }, () => {
  for (const [line, env, code, says] of lines) {
    test(`"${line}"${Object.keys(env).length === 0 ? ' without settings' : ''} ends with ${code} and says why`, async () => {
      const result = await run(line, env)
      assert.equal(result.code, code, result.stderr)
      assert.match(result.stderr, says)
      assert.equal(result.stdout, '')
    })
  }
})

suite('a command for the running sidecar', { concurrency: 2 }, () => {
  const runDir = mkdtempSync(join(tmpdir(), 'usage-test-'))
  after(() => rmSync(runDir, { recursive: true }))

  for (const line of [
    'accept --yes',
    'maintenance on',
    'maintenance off --json',
    'drain',
    'drain --plan',
    'drain --cancel',
    'top',
    'top --json',
  ])
    test(`"${line}" fails with 1 where none runs, naming the socket`, async () => {
      const { code, stdout, stderr } = await run(line, { ...standalone, CITUS_SIDECAR_RUN_DIR: runDir })
      assert.deepEqual([code, stdout], [1, ''])
      assert.match(stderr, new RegExp(`^citus-sidecar: NO_SIDECAR: no sidecar answers on ${runDir}/control\\.sock`))
    })
})

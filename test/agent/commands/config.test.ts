// `citus-sidecar config`: the effective settings and where each came from, without any secret.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { config } from '../../../agent/commands/config.ts'
import { settings } from '../../../agent/settings.ts'
import type { ExitCode } from '../../../agent/errors.ts'
import type { Setting } from '../../../agent/setting.ts'

const folder = mkdtempSync(join(tmpdir(), 'config-command-test-'))
after(() => rmSync(folder, { recursive: true }))
const passwordFile = join(folder, 'password')
writeFileSync(passwordFile, 'correct horse battery staple\n')

const env = {
  CITUS_SIDECAR_ROLE: 'worker',
  CITUS_SIDECAR_ADDRESS: 'worker-1.citus:6000',
  CITUS_SIDECAR_COORDINATOR: 'coordinator',
  CITUS_SIDECAR_PASSWORD_FILE: passwordFile,
  CITUS_SIDECAR_GROUP: '',
  PGPORT: '6000',
  PGPASSWORD: 'hunter2',
  SOMETHING_ELSE: 'hunter2',
}

async function print(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = env,
  wanted: ExitCode = 0,
): Promise<string> {
  let text = ''
  const write = (part: string): void => {
    text += part
  }
  const code = await config.run({
    args,
    env: environment,
    hostname: 'worker-1',
    stdout: { write },
    stderr: { write },
    ask: undefined,
    stop: AbortSignal.timeout(10_000),
  })
  assert.equal(code, wanted)
  return text
}

const table: readonly Setting<unknown>[] = Object.values(settings)

suite('the effective settings', () => {
  test('as text are the node, and one line a setting with value and source', async () => {
    const [first, ...lines] = (await print([])).trimEnd().split('\n')
    assert.equal(first, 'node worker-1')
    const cells = lines.map((line) => line.split(/ {2,}/))
    assert.deepEqual(
      cells.map(([name]) => name),
      table.map((setting) => setting.env),
    )
    const rowOf = (name: string): readonly string[] => cells.find(([first]) => first === name)?.slice(1) ?? []
    assert.deepEqual(rowOf('CITUS_SIDECAR_ROLE'), ['worker', 'environment'])
    assert.deepEqual(rowOf('PGPORT'), ['6000', 'environment'])
    assert.deepEqual(rowOf('CITUS_SIDECAR_FROZEN_AFTER'), ['5s', 'default'])
    assert.deepEqual(rowOf('CITUS_SIDECAR_MAX_LATENCY'), ['-', 'unset'])
    assert.deepEqual(rowOf('CITUS_SIDECAR_GROUP'), ['-', 'unset'], 'an empty variable is as good as none')
  })

  test('as JSON are the same, with null for what is unset', async () => {
    const parsed = JSON.parse(await print(['--json'])) as { node: string; settings: { setting: string }[] }
    assert.equal(parsed.node, 'worker-1')
    const byName = new Map(parsed.settings.map((row) => [row.setting, row]))
    assert.deepEqual(
      [...byName.keys()],
      table.map((setting) => setting.env),
    )
    const of = (name: string) => byName.get(name)
    assert.deepEqual(of('PGPORT'), { setting: 'PGPORT', value: '6000', source: 'environment' })
    assert.deepEqual(of('PGHOST'), { setting: 'PGHOST', value: '/var/run/postgresql', source: 'default' })
    assert.deepEqual(of('CITUS_SIDECAR_GROUP'), { setting: 'CITUS_SIDECAR_GROUP', value: null, source: 'unset' })
  })

  test('show the name of a password file, and neither what is in it nor any other password', async () => {
    for (const args of [[], ['--json']]) {
      const text = await print(args)
      assert.ok(text.includes(passwordFile))
      assert.doesNotMatch(text, /correct horse|hunter2/)
    }
  })

  test('are not printed while one of them is wrong', async () => {
    await assert.rejects(print([], { ...env, CITUS_SIDECAR_GROUP: 'x' }), { code: 'CONFIG_INVALID' })
  })
})

suite('own queries', () => {
  const path = join(folder, 'queries.yaml')
  const good = 'a:\n  query: select 1 as n\n  metrics: [{ n: { usage: GAUGE } }]\n'
  const withQueries = { ...env, CITUS_SIDECAR_QUERIES: path }

  test('are checked: how many are good, and what is wrong in which line', async () => {
    writeFileSync(path, good)
    assert.match(await print([], withQueries), /^own queries: 1 good, problems: 0\n$/m)
    writeFileSync(path, `${good}b: x\n`)
    const lines = (await print([], withQueries, 3)).trimEnd().split('\n').slice(-2)
    assert.deepEqual(lines, [
      'own queries: 1 good, problems: 1',
      `${path}:4:4: b: is a text; allowed: a map of its keys`,
    ])
  })

  test('are so in JSON, too', async () => {
    writeFileSync(path, `${good}b: x\n`)
    const { queries, problems } = JSON.parse(await print(['--json'], withQueries, 3)) as Record<string, unknown>
    const reason = 'b: is a text; allowed: a map of its keys'
    assert.deepEqual({ queries, problems }, { queries: ['a'], problems: [{ file: path, line: 4, column: 4, reason }] })
  })
})

test('the help lists every setting with what it is for, what is allowed and its default', () => {
  for (const { env: name, help, type, fallback } of table) {
    const paragraph = `  ${name}\n      ${help}\n      allowed: ${type.allowed}; default: ${fallback ?? 'unset'}`
    assert.ok(config.usage.includes(paragraph), name)
  }
})

// Environment to Config: every setting right and wrong, one by one and all at once.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { loadConfig } from '../../agent/config.ts'
import type { Config } from '../../agent/config.ts'
import { SidecarError } from '../../agent/errors.ts'
import { settings } from '../../agent/settings.ts'
import type { Setting } from '../../agent/setting.ts'
import type { SettingName } from '../../agent/settings.ts'
import { examples } from '../support/settings.ts'

const folder = mkdtempSync(join(tmpdir(), 'config-test-'))
after(() => rmSync(folder, { recursive: true }))
writeFileSync(join(folder, 'secret'), 'correct horse battery staple\n')
writeFileSync(join(folder, 'empty'), ' \n')
symlinkSync(join(folder, 'loop'), join(folder, 'loop'))

type Environment = Readonly<Record<string, string>>

const worker: Environment = {
  CITUS_SIDECAR_ROLE: 'worker',
  CITUS_SIDECAR_ADDRESS: 'worker-1.citus',
  CITUS_SIDECAR_COORDINATOR: 'coordinator.citus',
}
const table = Object.entries(settings) as [SettingName, Setting<unknown>][]

/** What a setting needs beside it to be without contradiction. */
const beside: Partial<Record<SettingName, Environment>> = {
  followPromotion: { CITUS_SIDECAR_FENCING_FILE: '/run/fencing' },
  hookPort: { CITUS_SIDECAR_HOOK_TOKEN_FILE: join(folder, 'secret') },
  pgSslCert: { PGSSLKEY: join(folder, 'secret') },
  pgSslKey: { PGSSLCERT: join(folder, 'secret') },
  role: {},
}

function load(changes: Readonly<Record<string, string | undefined>> = {}): Config {
  return loadConfig({ ...worker, ...changes }, 'worker-1')
}

/** The lines of what is wrong. */
function problems(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  try {
    loadConfig(environment, 'worker-1')
  } catch (error) {
    assert.ok(error instanceof SidecarError)
    assert.equal(error.code, 'CONFIG_INVALID')
    return error.message.split('\n')
  }
  return assert.fail('nothing was found wrong')
}

const known = examples(folder)

suite('each setting', () => {
  for (const [name, setting] of table) {
    test(`${setting.env} accepts what it should`, () => {
      for (const [text, expected] of known[name].good) {
        // A worker's address and coordinator are completed by the default port; the other tests look at that.
        if (name === 'address' || name === 'coordinator') {
          load({ [setting.env]: text, CITUS_SIDECAR_ALLOW_IP_ADDRESS: 'true' })
          assert.deepEqual(setting.type.schema.parse(text), expected)
          continue
        }
        const config = load({ ...beside[name], [setting.env]: text })
        assert.deepEqual(config[name], expected, text)
        assert.equal(config.sources[setting.env], 'environment')
      }
    })

    test(`${setting.env} refuses what it should, with name, value and what is allowed`, () => {
      for (const text of known[name].wrong) {
        const found = problems({ ...worker, ...beside[name], [setting.env]: text })
        const [line = '', ...others] = found
        assert.deepEqual(others, [], text)
        assert.ok(line.startsWith(`${setting.env}: `), line)
        // What is no path where a file belongs may be the secret itself.
        const hidden = /readable file/.test(setting.type.allowed) && !text.startsWith('/')
        assert.equal(line.includes(JSON.stringify(text)), !hidden, line)
        assert.doesNotMatch(line, /Invalid|expected/, 'in our words, not in those of a library')
        assert.ok(line.endsWith(`; allowed: ${setting.type.allowed}`), line)
      }
    })
  }

  test('that is empty is the same as one that is not set', () => {
    const empty = Object.fromEntries(table.map(([, { env }]) => [env, '']))
    assert.deepEqual(load({ ...empty, ...worker }), load())
    assert.deepEqual(problems(empty), problems({}))
  })

  test('that is not set has its default, which it would itself accept', () => {
    const config = load()
    for (const [name, { env, fallback, type }] of table) {
      if (env in worker) continue
      assert.equal(config.sources[env], fallback === undefined ? 'unset' : 'default', env)
      if (name === 'node') continue
      assert.deepEqual(config[name], fallback === undefined ? undefined : type.schema.parse(fallback), env)
    }
  })
})

suite('all problems', () => {
  test('are told in one go: every setting wrong at once is one line each', () => {
    const wrong = Object.fromEntries(table.map(([name, { env }]) => [env, known[name].wrong[0] ?? '']))
    const found = problems({ ...wrong, CITUS_SIDECAR_TYPO: 'x' })
    const named = found.map((line) => line.slice(0, line.indexOf(':')))
    assert.deepEqual(named.toSorted(), [...Object.keys(wrong), 'CITUS_SIDECAR_TYPO'].toSorted())
  })

  test('wrong, missing, unknown and contradicting ones together', () => {
    const found = problems({
      CITUS_SIDECAR_ROLE: 'worker',
      CITUS_SIDECAR_ADDRESS: '10.1.2.3',
      CITUS_SIDECAR_GROUP: '0',
      CITUS_SIDECAR_HTTP_PORT: '70000',
      CITUS_SIDECAR_FOLOW_PROMOTION: 'true',
      CITUS_SIDECAR_FOLLOW_PROMOTION: 'true',
      PGSSLMODE: 'verify-full',
    })
    assert.deepEqual(found.map((line) => line.slice(0, line.indexOf(':'))).toSorted(), [
      'CITUS_SIDECAR_ADDRESS',
      'CITUS_SIDECAR_COORDINATOR',
      'CITUS_SIDECAR_FENCING_FILE',
      'CITUS_SIDECAR_FOLOW_PROMOTION',
      'CITUS_SIDECAR_GROUP',
      'CITUS_SIDECAR_HTTP_PORT',
      'PGSSLROOTCERT',
    ])
    for (const line of found) assert.match(line, /; allowed: \S/)
  })

  test('with nothing set the role alone is asked for', () => {
    assert.deepEqual(problems({}), [
      'CITUS_SIDECAR_ROLE: is not set, every sidecar needs one; allowed: coordinator, worker, standalone, pooler',
    ])
  })

  test('a value that is wrong is not said to be missing too', () => {
    assert.equal(problems({ CITUS_SIDECAR_ROLE: 'x' }).length, 1)
    assert.equal(problems({ ...worker, CITUS_SIDECAR_ADDRESS: 'a b' }).length, 1)
  })

  test('a very long value is cut', () => {
    const [line = ''] = problems({ ...worker, CITUS_SIDECAR_GROUP: 'x'.repeat(5_000) })
    assert.ok(line.length < 400, line)
  })
})

/** Names that start like ours: refused, or somebody else's. */
const names: readonly [name: string, refused: boolean][] = [
  ['CITUS_SIDECAR_PASSWORD', true],
  ['CITUS_SIDECAR_ADRESS', true],
  ['CITUS_SIDECAR_', true],
  ['CITUS_SIDECAR_SERVICE_NAME', true],
  ['CITUS_SIDECAR_LOCAL_SERVER', false],
  ['CITUS_SIDECAR_TEST_X', false],
  ['CITUS_SIDECAR_SERVICE_HOST', false],
  ['CITUS_SIDECAR_SERVICE_PORT_HTTP', false],
  ['CITUS_SIDECAR_PORT', false],
  ['CITUS_SIDECAR_PORT_9187_TCP_ADDR', false],
  ['PGOPTIONS', false],
  ['HOME', false],
]

for (const [name, refused] of names) {
  test(`${name} is ${refused ? 'refused as no setting' : 'none of our business'}`, () => {
    if (!refused) return void load({ [name]: 'tcp://10.0.0.1:9187' })
    const found = problems({ ...worker, [name]: 'a-secret-value' })
    assert.match(found.join('\n'), new RegExp(`^${name}: is no setting of citus-sidecar; allowed: .*config --help`))
    assert.doesNotMatch(found.join('\n'), /a-secret-value/)
  })
}

suite('a secret', () => {
  test('written where its file belongs is not shown', () => {
    for (const name of ['CITUS_SIDECAR_PASSWORD_FILE', 'CITUS_SIDECAR_BOOTSTRAP_PASSWORD_FILE', 'PGPASSFILE']) {
      const found = problems({ ...worker, [name]: 'hunter2' }).join('\n')
      assert.doesNotMatch(found, /hunter2/)
      assert.match(found, new RegExp(`^${name}: .*is not an absolute path`))
    }
  })

  test('in a file is read by nobody who reads the settings', () => {
    const config = load({ CITUS_SIDECAR_PASSWORD_FILE: join(folder, 'secret'), PGPASSFILE: join(folder, 'secret') })
    assert.doesNotMatch(JSON.stringify(config), /correct horse/)
  })

  for (const [name, what] of [
    ['missing', /ENOENT/],
    ['empty', /the file is empty/],
    ['loop', /ELOOP/],
  ] as const)
    test(`in a file that is ${name} is refused at the start, saying why`, () => {
      const found = problems({ ...worker, CITUS_SIDECAR_PASSWORD_FILE: join(folder, name) })
      assert.match(found.join('\n'), what)
    })
})

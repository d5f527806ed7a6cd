// What a Config adds to its settings: addresses completed, contradictions refused, nothing to be changed afterwards.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { loadConfig, salvageConfig } from '../../agent/config.ts'
import type { Config } from '../../agent/config.ts'

const base = { CITUS_SIDECAR_ROLE: 'worker', CITUS_SIDECAR_ADDRESS: 'w', CITUS_SIDECAR_COORDINATOR: 'c' }

function load(environment: Readonly<Record<string, string>>, hostname = 'host'): Config {
  return loadConfig(environment, hostname)
}

suite('a config', () => {
  test('cannot be changed', () => {
    const config = load(base)
    assert.ok(Object.isFrozen(config) && Object.isFrozen(config.sources))
    assert.throws(() => Object.assign(config, { role: 'coordinator' }), TypeError)
    assert.throws(() => Object.assign(config.sources, { PGHOST: 'environment' }), TypeError)
  })

  test('does not change with the environment it came from', () => {
    const environment: Record<string, string> = { ...base }
    const config = load(environment)
    environment['CITUS_SIDECAR_ROLE'] = 'coordinator'
    assert.equal(config.role, 'worker')
  })

  test('has the host name as name of the node unless told', () => {
    assert.equal(load(base, 'worker-3').node, 'worker-3')
    assert.equal(load({ ...base, CITUS_SIDECAR_NODE: 'n' }, 'worker-3').node, 'n')
  })

  test('refuses a host name that could be no name of a node, unless one is given', () => {
    for (const hostname of ['-a', 'a b', 'x'.repeat(64), ''])
      assert.throws(() => load(base, hostname), {
        message: `CITUS_SIDECAR_NODE: ${JSON.stringify(hostname)} is not accepted (the host name, because it is unset); allowed: a name of letters, digits, dot, dash, at most 63`,
      })
    assert.equal(load({ ...base, CITUS_SIDECAR_NODE: 'n' }, 'a b').node, 'n')
    assert.throws(() => load({ ...base, CITUS_SIDECAR_NODE: 'a b' }, '-a'), {
      message: /^CITUS_SIDECAR_NODE: "a b"[^\n]*$/,
    })
  })

  test('completes addresses with PGPORT', () => {
    const config = load({ ...base, PGPORT: '6000', CITUS_SIDECAR_COORDINATOR: 'c-0,c-1:7000' })
    assert.deepEqual(config.address, { host: 'w', port: 6_000 })
    assert.deepEqual(config.coordinator, [
      { host: 'c-0', port: 6_000 },
      { host: 'c-1', port: 7_000 },
    ])
  })

  test('of a coordinator that names none has its own address as the coordinator', () => {
    const config = load({ CITUS_SIDECAR_ROLE: 'coordinator', CITUS_SIDECAR_ADDRESS: 'c:6000' })
    assert.deepEqual(config.coordinator, [{ host: 'c', port: 6_000 }])
  })

  test('completes the address of a PgBouncer elsewhere with its port', () => {
    const environment = { ...base, CITUS_SIDECAR_PGBOUNCER_ADDRESS: 'pooler', CITUS_SIDECAR_PGBOUNCER_PORT: '6000' }
    assert.deepEqual(load(environment).pgbouncerAddress, { host: 'pooler', port: 6_000 })
    assert.deepEqual(load({ ...environment, CITUS_SIDECAR_PGBOUNCER_ADDRESS: '[::1]:7000' }).pgbouncerAddress, {
      host: '::1',
      port: 7_000,
    })
    assert.equal(load(base).pgbouncerAddress, undefined)
  })

  test('of a pooler leads to no PgBouncer elsewhere, not even where what is wrong in it is passed over', () => {
    const environment = { CITUS_SIDECAR_ROLE: 'pooler', CITUS_SIDECAR_PGBOUNCER_ADDRESS: 'pooler:7000' }
    assert.equal(salvageConfig(environment, 'host').pgbouncerAddress, undefined)
  })

  test('of a standalone server needs no address and knows no coordinator', () => {
    const config = load({ CITUS_SIDECAR_ROLE: 'standalone', CITUS_SIDECAR_COORDINATOR: 'c', PGHOST: 'localhost' })
    assert.deepEqual(config.address, { host: 'localhost', port: 5_432 })
    assert.deepEqual(config.coordinator, [])
  })
})

type Case = readonly [what: string, environment: Readonly<Record<string, string>>, complaint: RegExp | undefined]

const cases: readonly Case[] = [
  [
    'a pooler that is to read a PgBouncer elsewhere',
    { CITUS_SIDECAR_ROLE: 'pooler', CITUS_SIDECAR_PGBOUNCER_ADDRESS: 'pooler' },
    /^CITUS_SIDECAR_PGBOUNCER_ADDRESS: does not fit role pooler, .*; allowed: CITUS_SIDECAR_PGBOUNCER_HOST and /,
  ],
  [
    'a worker without an address',
    { CITUS_SIDECAR_ADDRESS: '' },
    /^CITUS_SIDECAR_ADDRESS: is not set, role worker needs it/,
  ],
  ['a worker without a coordinator', { CITUS_SIDECAR_COORDINATOR: '' }, /^CITUS_SIDECAR_COORDINATOR: is not set/],
  [
    'a coordinator without an address',
    { CITUS_SIDECAR_ROLE: 'coordinator', CITUS_SIDECAR_ADDRESS: '' },
    /^CITUS_SIDECAR_ADDRESS/,
  ],
  ['an IPv4 address', { CITUS_SIDECAR_ADDRESS: '10.1.2.3' }, /^CITUS_SIDECAR_ADDRESS: "10.1.2.3" is an IP address/],
  [
    'an IPv6 address',
    { CITUS_SIDECAR_ADDRESS: '[fe80::1]:5432' },
    /^CITUS_SIDECAR_ADDRESS: "fe80::1" is an IP address/,
  ],
  [
    'an IP address that is wanted',
    { CITUS_SIDECAR_ADDRESS: '10.1.2.3', CITUS_SIDECAR_ALLOW_IP_ADDRESS: 'true' },
    undefined,
  ],
  ['a worker in group 0', { CITUS_SIDECAR_GROUP: '0' }, /^CITUS_SIDECAR_GROUP: 0 does not fit role worker/],
  [
    'a coordinator in group 1',
    { CITUS_SIDECAR_ROLE: 'coordinator', CITUS_SIDECAR_GROUP: '1' },
    /^CITUS_SIDECAR_GROUP: 1 does not fit/,
  ],
  ['a coordinator in group 0', { CITUS_SIDECAR_ROLE: 'coordinator', CITUS_SIDECAR_GROUP: '0' }, undefined],
  ['a worker in group 7', { CITUS_SIDECAR_GROUP: '7' }, undefined],
  [
    'promotions without a fencing authority',
    { CITUS_SIDECAR_FOLLOW_PROMOTION: 'yes' },
    /^CITUS_SIDECAR_FENCING_FILE: is not set/,
  ],
  [
    'verify-ca without authorities',
    { PGSSLMODE: 'verify-ca' },
    /^PGSSLROOTCERT: is not set, PGSSLMODE verify-ca needs it/,
  ],
  ['verify-full without authorities', { PGSSLMODE: 'verify-full' }, /^PGSSLROOTCERT/],
  ['require without authorities', { PGSSLMODE: 'require' }, undefined],
  ['a certificate without its key', { PGSSLCERT: import.meta.filename }, /^PGSSLKEY: is not set, PGSSLCERT needs it/],
  ['a key without its certificate', { PGSSLKEY: import.meta.filename }, /^PGSSLCERT: is not set, PGSSLKEY needs it/],
  ['a certificate with its key', { PGSSLCERT: import.meta.filename, PGSSLKEY: import.meta.filename }, undefined],
  [
    'a connect timeout as long as the frozen limit',
    { CITUS_SIDECAR_CONNECT_TIMEOUT: '5s' },
    /^CITUS_SIDECAR_CONNECT_TIMEOUT: 5000ms is not accepted; allowed: less than CITUS_SIDECAR_FROZEN_AFTER \(5000ms\)/,
  ],
  ['a frozen limit below the connect timeout', { CITUS_SIDECAR_FROZEN_AFTER: '2s' }, /^CITUS_SIDECAR_CONNECT_TIMEOUT/],
  ['a hook without a token', { CITUS_SIDECAR_HOOK_PORT: '9188' }, /^CITUS_SIDECAR_HOOK_TOKEN_FILE: is not set/],
  [
    'a hook on the port that anybody may ask',
    { CITUS_SIDECAR_HOOK_PORT: '9187', CITUS_SIDECAR_HOOK_TOKEN_FILE: import.meta.filename },
    /^CITUS_SIDECAR_HOOK_PORT: 9187 is not accepted; allowed: another port/,
  ],
  ['both raised', { CITUS_SIDECAR_FROZEN_AFTER: '30s', CITUS_SIDECAR_CONNECT_TIMEOUT: '20s' }, undefined],
]

suite('settings that belong together', () => {
  for (const [what, changes, complaint] of cases) {
    test(`${what}: ${complaint === undefined ? 'accepted' : 'refused'}`, () => {
      const environment = { ...base, ...changes }
      if (complaint === undefined) return void load(environment)
      assert.throws(() => load(environment), { name: 'SidecarError', code: 'CONFIG_INVALID', message: complaint })
      assert.throws(() => load(environment), { message: /^[^\n]+$/ }, 'one problem only')
    })
  }
})

// TLS to a server with a certificate of its own authority: what each PGSSLMODE accepts, and files read afresh.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Config } from '../../../agent/config.ts'
import { localTarget } from '../../../agent/pg/conninfo.ts'
import { Session } from '../../../agent/pg/session.ts'
import { eventually } from '../../../deploy/local/eventually.ts'
import { startPostgres } from '../../../deploy/local/lone-server.ts'
import type { LoneServer } from '../../../deploy/local/lone-server.ts'
import { writeOwnedFile } from '../../../deploy/local/server-user.ts'
import { authority, serverCertificate, serverKey, stranger } from '../../support/certificates.ts'
import { configFor } from '../../support/config-for.ts'

let server: LoneServer
let folder: string

before(async () => {
  server = await startPostgres()
  folder = await mkdtemp(join(tmpdir(), 'tls-'))
  await writeFile(join(folder, 'authority.pem'), authority)
  await writeFile(join(folder, 'stranger.pem'), stranger)
})

after(async () => {
  await server.down()
  await rm(folder, { recursive: true, force: true })
})

async function switchTls(on: boolean): Promise<void> {
  const { postgres } = server
  await writeOwnedFile(join(postgres.dataDir, 'server.crt'), serverCertificate, 0o600, postgres.spec.user)
  await writeOwnedFile(join(postgres.dataDir, 'server.key'), serverKey, 0o600, postgres.spec.user)
  await postgres.query(`alter system set ssl = ${on ? 'on' : 'off'}`)
  await postgres.query('select pg_reload_conf()')
  await eventually('the server has reloaded its settings', async () => {
    const [row] = await postgres.query<{ ssl: string }>("select current_setting('ssl') as ssl")
    return row?.ssl === (on ? 'on' : 'off')
  })
}

async function tlsConfig(env: Readonly<Record<string, string>>, host = 'localhost'): Promise<Config> {
  return await configFor(server.postgres, { PGHOST: host, ...env })
}

/** Whether a connection with these settings is encrypted. */
async function isEncrypted(settings: Config | Promise<Config>): Promise<boolean> {
  const config = await settings
  await using session = new Session(config, { target: async () => await Promise.resolve(localTarget(config, 'test')) })
  const sql = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()'
  const [row] = await session.query<{ ssl: boolean }>(sql, [], { timeout: 10_000, signal: AbortSignal.timeout(20_000) })
  assert.ok(row)
  return row.ssl
}

const authorityFile = (): string => join(folder, 'authority.pem')

test('a server without TLS', async (t) => {
  await switchTls(false)
  await t.test('is used in the clear by disable and prefer', async () => {
    assert.equal(await isEncrypted(tlsConfig({ PGSSLMODE: 'disable' })), false)
    assert.equal(await isEncrypted(tlsConfig({ PGSSLMODE: 'prefer' })), false)
  })
  await t.test('is refused by require and verify-full', async () => {
    await assert.rejects(isEncrypted(tlsConfig({ PGSSLMODE: 'require' })), { code: 'CONNECT_FAILED' })
    const strict = await tlsConfig({ PGSSLMODE: 'verify-full', PGSSLROOTCERT: authorityFile() })
    await assert.rejects(isEncrypted(strict), { code: 'CONNECT_FAILED' })
  })
})

test('a server with TLS', async (t) => {
  await switchTls(true)
  await t.test('is used with encryption by prefer, require, verify-ca and verify-full', async () => {
    assert.equal(await isEncrypted(tlsConfig({ PGSSLMODE: 'prefer' })), true)
    assert.equal(await isEncrypted(tlsConfig({ PGSSLMODE: 'require' })), true)
    assert.equal(await isEncrypted(tlsConfig({ PGSSLMODE: 'verify-ca', PGSSLROOTCERT: authorityFile() })), true)
    assert.equal(await isEncrypted(tlsConfig({ PGSSLMODE: 'verify-full', PGSSLROOTCERT: authorityFile() })), true)
  })
  await t.test('under another name is refused by verify-full alone', async () => {
    const other = { PGSSLROOTCERT: authorityFile() }
    assert.equal(await isEncrypted(tlsConfig({ ...other, PGSSLMODE: 'verify-ca' }, '127.0.0.1')), true)
    await assert.rejects(isEncrypted(tlsConfig({ ...other, PGSSLMODE: 'verify-full' }, '127.0.0.1')), {
      code: 'CONNECT_FAILED',
    })
  })
  await t.test('of a strange authority is refused until the file is the right one', async () => {
    const file = join(folder, 'rotated.pem')
    await writeFile(file, stranger)
    const config = await tlsConfig({ PGSSLMODE: 'verify-full', PGSSLROOTCERT: file })
    await assert.rejects(isEncrypted(config), { code: 'CONNECT_FAILED' })
    await writeFile(file, authority)
    assert.equal(await isEncrypted(config), true)
    await writeFile(file, '')
    await assert.rejects(isEncrypted(config), { code: 'SECRET_UNREADABLE' })
  })
})

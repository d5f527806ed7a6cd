// start.sh and the server's configuration, on a real server: the database it makes, what it leaves alone, and who gets in.
import assert from 'node:assert/strict'
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { Client } from 'pg'
import { sqlstate } from '../../../agent/errors.ts'
import { eventually } from '../../../deploy/local/eventually.ts'
import { reservePort } from '../../../deploy/local/free-ports.ts'
import { runProgram } from '../../../deploy/local/run-program.ts'
import type { ProgramResult } from '../../../deploy/local/run-program.ts'
import { makeFolder, writeOwnedFile } from '../../../deploy/local/server-user.ts'
import { makeNodeFolder, makeWorkspace, removeWorkspace } from '../../../deploy/local/workspace.ts'
import type { Workspace } from '../../../deploy/local/workspace.ts'
import { manifestText, moved } from '../../support/kubernetes/scripts.ts'

suite('what start.sh makes', { skip: process.platform === 'linux' ? false : 'needs the locale C.UTF-8' }, () => {
  let workspace: Workspace
  let folder: string
  let paths: Readonly<Record<string, string>>
  let data: string

  before(async () => {
    workspace = await makeWorkspace({ nodeNames: ['node'] })
    folder = await makeNodeFolder(workspace, 'node')
    const { user } = workspace
    for (const name of ['passwords', 'run', 'pgdata', 'etc', 'socket'])
      await makeFolder(join(folder, name), 0o755, user)
    paths = {
      '/etc/citus/passwords': join(folder, 'passwords'),
      '/run/citus': join(folder, 'run'),
      '/etc/postgresql': join(folder, 'etc'),
      '/var/run/postgresql': join(folder, 'socket'),
    }
    data = join(folder, 'pgdata', 'data')
    const passwords = { postgres: 'super', citus_sidecar: 'with:colon\\and backslash', 'a:b': 'odd' }
    for (const [role, password] of Object.entries(passwords))
      await writeOwnedFile(join(folder, 'passwords', role), `${password}\n`, 0o440, user)
    for (const name of ['start.sh', 'postgresql.conf', 'pg_hba.conf'])
      await writeOwnedFile(join(folder, 'etc', name), moved(manifestText(`base/${name}`), paths), 0o644)
  })
  after(() => removeWorkspace(workspace))

  const environment = (): Record<string, string | undefined> => ({
    PATH: `${join(folder, 'bin')}:${workspace.binaries.binDir}:${process.env['PATH']}`,
    PGDATA: data,
  })
  /** Runs start.sh with a command in the place of PostgreSQL. */
  const start = async (...command: readonly string[]): Promise<ProgramResult> =>
    await runProgram('sh', [join(folder, 'etc', 'start.sh'), ...command], {
      env: environment(),
      user: workspace.user,
      cwd: '/',
    })
  const prepared = async (): Promise<void> => {
    const { code, stderr } = await start('true')
    assert.equal(code, 0, stderr)
  }
  const control = async (): Promise<Buffer> => await readFile(join(data, 'global', 'pg_control'))

  test('is nothing where something else lies in the place of the database', async () => {
    await mkdir(data)
    await writeFile(join(data, 'precious'), 'yes')
    assert.notEqual((await start('true')).code, 0)
    assert.equal(await readFile(join(data, 'precious'), 'utf8'), 'yes')
    await rm(data, { recursive: true })
  })

  test('is a database, also after one that was not finished, and a password file that libpq accepts', async () => {
    await makeFolder(`${data}.new`, 0o700, workspace.user)
    await writeOwnedFile(join(`${data}.new`, 'PG_VERSION'), '17\n', 0o600, workspace.user)
    await prepared()
    const passfile = join(folder, 'run', 'passfile')
    assert.equal((await stat(passfile)).mode & 0o777, 0o600)
    assert.equal(
      await readFile(passfile, 'utf8'),
      '*:*:*:a\\:b:odd\n*:*:*:citus_sidecar:with\\:colon\\\\and backslash\n*:*:*:postgres:super\n',
    )
    assert.equal((await stat(data)).mode & 0o777, 0o700)
  })

  test('stays as it is the next time, but for passwords and rights', async () => {
    const before = await control()
    await makeFolder(data, 0o770, workspace.user)
    await writeOwnedFile(join(folder, 'passwords', 'a:b'), 'odder', 0o440, workspace.user)
    await prepared()
    assert.deepEqual(await control(), before)
    assert.equal((await stat(data)).mode & 0o777, 0o700)
    assert.match(await readFile(join(folder, 'run', 'passfile'), 'utf8'), /^\*:\*:\*:a\\:b:odder$/m)
  })

  test("leads to the image's entry point, where there is one, with the rights that it expects", async () => {
    const entry = join(folder, 'bin', 'docker-entrypoint.sh')
    await makeFolder(join(folder, 'bin'), 0o755)
    await writeOwnedFile(entry, '#!/bin/sh\necho "$*, $(umask)"\n', 0o755)
    assert.match((await start('postgres', '-c', 'a=b')).stdout, /^postgres -c a=b, 0?022\n$/)
    await rm(entry)
  })

  test('is a server with its configuration that lets in nobody without the right password', async () => {
    const { binaries, user } = workspace
    const reserved = await reservePort()
    const changes = [
      `port=${reserved.port}`,
      'listen_addresses=localhost',
      'fsync=off',
      'dynamic_shared_memory_type=mmap',
    ]
    // The stand-in has no library.
    if (binaries.citus === 'stand-in') changes.push('shared_preload_libraries=')
    const args = [`config_file=${join(folder, 'etc', 'postgresql.conf')}`, ...changes].flatMap((one) => ['-c', one])
    const running = start('postgres', ...args)
    const login = async (host: string, password: string): Promise<unknown> => {
      const client = new Client({ host, port: reserved.port, user: 'postgres', database: 'postgres', password })
      try {
        await client.connect()
        const { rows } = await client.query(
          `select current_setting('wal_level') level, current_setting('data_checksums') sums`,
        )
        return rows[0]
      } catch (error) {
        return sqlstate(error)
      } finally {
        await client.end()
      }
    }
    try {
      const socket = join(folder, 'socket')
      await eventually('it lets in', async () => typeof (await login(socket, 'super')) === 'object', {
        deadline: 30_000,
      })
      for (const host of [socket, 'localhost']) {
        assert.deepEqual(await login(host, 'super'), { level: 'logical', sums: 'on' })
        assert.equal(await login(host, 'superb'), '28P01')
      }
    } finally {
      await runProgram('pg_ctl', ['stop', '-m', 'fast', '-w'], { env: environment(), user, cwd: '/' })
      await running
      reserved.release()
    }
  })
})

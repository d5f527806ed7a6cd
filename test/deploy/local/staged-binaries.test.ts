// The npm server out of the reach of the user that must run it, or without the links that npm cannot carry.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { findBinaries } from '../../../deploy/local/binaries.ts'
import { canReach, findServerUser } from '../../../deploy/local/server-user.ts'
import { stageBinaries } from '../../../deploy/local/staged-binaries.ts'

// Under root's own 0700 folder an unprivileged user sees nothing, as with a clone in /root.
const parent = mkdtempSync(join(tmpdir(), 'staged-test-'))
after(() => rmSync(parent, { recursive: true }))

test('what the user can reach is used where it is', async () => {
  const binaries = await findBinaries('stand-in')
  assert.equal(await stageBinaries(binaries, join(parent, 'unused'), undefined), binaries)
})

test('a package without its links in a private folder is staged whole, and runs', async () => {
  const found = await findBinaries('stand-in')
  assert.ok(found.packageDir !== undefined && found.standInDir !== undefined)
  const packageDir = join(parent, 'private', 'native')
  mkdirSync(join(parent, 'private'), { mode: 0o700 })
  const links = readFileSync(join(found.packageDir, 'pg-symlinks.json'), 'utf8')
  cpSync(found.packageDir, packageDir, {
    recursive: true,
    filter: (path) => !links.includes(`"native${path.slice(found.packageDir?.length)}"}`),
  })
  const user = findServerUser()
  const given = { ...found, packageDir, binDir: join(packageDir, 'bin') }
  assert.throws(() => execFileSync(join(given.binDir, 'initdb'), ['--version'], { stdio: 'ignore' }))

  const ground = mkdtempSync(join(tmpdir(), 'staged-test-'))
  after(() => rmSync(ground, { recursive: true }))
  execFileSync('chmod', ['755', ground])
  const staged = await stageBinaries(given, join(ground, 'server'), user)
  assert.equal(staged.binDir, join(ground, 'server/native/bin'))
  assert.ok(canReach(join(staged.binDir, 'postgres'), user))
  const output = execFileSync(join(staged.binDir, 'initdb'), ['--version'], {
    cwd: '/',
    encoding: 'utf8',
    ...(user !== undefined && { uid: user.uid, gid: user.gid }),
  })
  assert.match(output, /^initdb \(PostgreSQL\) 18/)
})

// Where servers can live, and that nothing of a workspace stays.
import assert from 'node:assert/strict'
import { existsSync, lstatSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { makeNodeFolder, makeWorkspace, removeWorkspace, suitsServers } from '../../../deploy/local/workspace.ts'

const parent = mkdtempSync(join(tmpdir(), 'workspace-test-'))
after(() => rmSync(parent, { recursive: true }))

const nodeNames = ['coordinator', 'worker-1']

test('a temporary folder with a folder a node', async () => {
  const workspace = await makeWorkspace({ nodeNames })
  const folder = await makeNodeFolder(workspace, 'worker-1')
  assert.equal(folder, join(workspace.ground, 'worker-1'))
  assert.ok(statSync(join(workspace.dir, 'worker-1')).isDirectory())
  removeWorkspace(workspace)
  assert.equal(existsSync(workspace.dir), false)
})

test('a folder that is too deep for sockets shows nodes that live elsewhere', async () => {
  const dir = join(parent, 'deep'.repeat(20))
  const workspace = await makeWorkspace({ dir, nodeNames })
  const folder = await makeNodeFolder(workspace, 'worker-1')
  assert.notEqual(workspace.ground, dir)
  assert.ok(lstatSync(join(dir, 'worker-1')).isSymbolicLink())
  assert.ok(suitsServers(workspace.ground, nodeNames, workspace.user))
  removeWorkspace(workspace)
  assert.deepEqual([existsSync(dir), existsSync(folder), existsSync(workspace.ground)], [false, false, false])
})

test('a folder in a private folder of root shows nodes that live elsewhere', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('servers step down to another user as root only')
  const dir = join(parent, 'private', 'cluster')
  mkdirSync(join(parent, 'private'), { mode: 0o700 })
  const workspace = await makeWorkspace({ dir, nodeNames })
  assert.notEqual(workspace.ground, dir)
  removeWorkspace(workspace)
})

test('names with spaces, quotes and commas are no place for servers', () => {
  for (const name of ['a b', "a'b", 'a,b', 'a:b'])
    assert.equal(suitsServers(join('/tmp', name), nodeNames, undefined), false)
})

test('a folder with anything in it is refused and left alone', async () => {
  const dir = join(parent, 'taken')
  mkdirSync(dir)
  writeFileSync(join(dir, 'letter'), 'dear')
  await assert.rejects(makeWorkspace({ dir, nodeNames }), { name: 'LocalError', message: /taken is not empty/ })
  writeFileSync(join(dir, 'cluster.json'), '{}')
  await assert.rejects(makeWorkspace({ dir, nodeNames }), /taken already has a cluster; "npm run cluster -- down/)
  assert.ok(existsSync(join(dir, 'letter')))
})

test('a kind of server that does not exist is refused', async () => {
  await assert.rejects(makeWorkspace({ server: 'oracle', nodeNames }), {
    name: 'UsageError',
    message: 'CITUS_SIDECAR_LOCAL_SERVER is "oracle"; allowed are citus, stand-in or nothing',
  })
})

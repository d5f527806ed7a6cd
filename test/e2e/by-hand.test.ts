// What people do by hand on the coordinator is respected: registered, disabled and removed nodes stay as they are until
// a person says otherwise to the node's sidecar.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { catalogsOf, complaints, finds, joined, looksAgain, operations, quick, registered } from '../support/joining.ts'
import { makeTables } from '../support/tables.ts'

suite('what was done by hand', () => {
  let cluster: LocalCluster
  let first: LocalNode
  let second: LocalNode
  const onCoordinator = async (sql: string, parameters: unknown[] = []): Promise<Record<string, unknown>[]> =>
    await cluster.coordinator.postgres.query(sql, parameters)
  before(async () => {
    cluster = await startCluster({ workers: 3, env: quick, sidecars: false })
    first = cluster.node('worker-1')
    second = cluster.node('worker-2')
    await onCoordinator(`select citus_set_coordinator_host('localhost', $1)`, [cluster.coordinator.pgPort])
    for (const { pgPort } of [first, second]) await onCoordinator(`select citus_add_node('localhost', $1)`, [pgPort])
    await makeTables(cluster)
  })
  after(async () => await cluster.down())

  test('a cluster registered by hand is adopted: verified, nothing written, groups as they are', async () => {
    const members = [cluster.coordinator, first, second]
    const state = async (): Promise<unknown> => await Promise.all(members.map(({ postgres }) => catalogsOf(postgres)))
    const before = await state()
    for (const { sidecar } of members) sidecar.start()
    for (const node of members) await joined(node)
    await looksAgain(first)
    assert.deepEqual(await state(), before)
    assert.deepEqual(await operations(cluster), [])
    assert.deepEqual(
      (await registered(cluster)).map((one) => one.split(' ')[0]),
      ['0', '1', '2'],
    )
  })

  test('a sidecar that shall not register waits for somebody who does', async () => {
    const third = cluster.node('worker-3')
    third.sidecar.start({ CITUS_SIDECAR_REGISTER: 'false' })
    await finds(
      third,
      'registration-off',
      /^the coordinator does not have this node, and CITUS_SIDECAR_REGISTER is off$/,
      /^register the node by hand, or set CITUS_SIDECAR_REGISTER=true$/,
    )
    await looksAgain(third)
    assert.equal((await registered(cluster)).length, 3)
    await onCoordinator(`select citus_add_node('localhost', $1)`, [third.pgPort])
    await joined(third)
    // The coordinator had it a moment before its own server knew: no reason to cry that its volume is empty.
    assert.deepEqual(complaints(third), [])
    assert.deepEqual(await operations(cluster), [])
  })

  test('a disabled node stays disabled, also when its sidecar starts again, until a person accepts', async () => {
    const third = cluster.node('worker-3')
    await third.sidecar.restart()
    await joined(third)
    await onCoordinator(`select citus_disable_node('localhost', $1, true)`, [third.pgPort])
    const reason = /^node \d+ was disabled on the coordinator$/
    await finds(third, 'disabled', reason, /^run `citus-sidecar accept` to activate it again$/)
    await third.sidecar.restart()
    await finds(third, 'disabled', reason)
    await looksAgain(third)
    assert.deepEqual(await operations(cluster), [])
    const asked = await third.command(['accept'])
    assert.equal(asked.code, 2)
    assert.match(
      asked.stderr,
      /^nobody can be asked here; to accept "node \d+ was disabled on the coordinator", add --yes$/m,
    )
    const { code, stdout } = await third.command(['accept', '--yes'])
    assert.deepEqual([code, stdout.replace(/\d+/, 'N')], [0, 'accepted: node N was disabled on the coordinator\n'])
    await joined(third)
    assert.deepEqual(await operations(cluster), ['worker-3 activate succeeded'])
  })

  test('a removed node stays away, also when its sidecar starts again, until a person accepts', async () => {
    const third = cluster.node('worker-3')
    await onCoordinator(`select citus_remove_node('localhost', $1)`, [third.pgPort])
    const reason = /^this node was registered, and the coordinator no longer has it$/
    await finds(third, 'removed', reason, /^run `citus-sidecar accept` to register it again$/)
    await third.sidecar.restart()
    await finds(third, 'removed', reason)
    await looksAgain(third)
    const before = await operations(cluster)
    assert.equal((await registered(cluster)).length, 3)
    const { code, stdout } = await third.command(['accept', '--yes', '--json'])
    assert.equal(code, 0)
    assert.partialDeepStrictEqual(JSON.parse(stdout), { accepted: { code: 'removed', kind: 'refuse' } })
    await joined(third)
    assert.deepEqual((await operations(cluster)).slice(before.length), ['worker-3 add succeeded'])
    assert.ok((await registered(cluster)).includes(`4 localhost:${third.pgPort}`))
  })

  test('there is nothing to accept where nothing is refused', async () => {
    const text = await first.command(['accept', '--yes'])
    assert.deepEqual([text.code, text.stdout], [0, 'nothing is refused: there is nothing to accept\n'])
    const json = await first.command(['accept', '--json'])
    assert.deepEqual([json.code, json.stdout], [0, '{"accepted":null}\n'])
  })

  test('what may yet be refused is not called accepted', async () => {
    await cluster.coordinator.postgres.stop()
    await first.sidecar.restart()
    await first.sidecar.answers('/livez')
    const { code, stderr } = await first.command(['accept', '--yes'])
    assert.equal(code, 1)
    assert.match(
      stderr,
      /^citus-sidecar: UNDECIDED: nothing is refused so far, but whether this node may join is not known yet: ./,
    )
    await cluster.coordinator.postgres.start()
    await joined(first)
  })
})

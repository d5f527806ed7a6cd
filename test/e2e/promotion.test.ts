// A promotion is followed only when it is allowed, the old primary is out of reach and the fencing authority has named
// the new one; the old primary does not come back. Workers follow their coordinator to its promoted standby.
import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import {
  catalogsOf,
  complaints,
  eventuallyEqual,
  finds,
  joined,
  looksAgain,
  operations,
  quick,
  registered,
  statusOf,
  until,
} from '../support/joining.ts'
import { sidecarSessions } from '../support/server-sessions.ts'

const follow = (file: string) => ({ CITUS_SIDECAR_FOLLOW_PROMOTION: 'true', CITUS_SIDECAR_FENCING_FILE: file })
const action = /CITUS_SIDECAR_FOLLOW_PROMOTION/

suite('the promoted standby of a worker', () => {
  let cluster: LocalCluster
  let old: LocalNode
  let twin: LocalNode
  let file: string
  let known: unknown
  before(async () => {
    cluster = await startCluster({
      workers: 2,
      standbys: [
        { of: 'worker-1', name: 'twin' },
        { of: 'worker-2', name: 'secondary' },
      ],
      env: quick,
      nodeEnv: { secondary: { CITUS_SIDECAR_REGISTER_STANDBY: 'true' } },
    })
    old = cluster.node('worker-1')
    twin = cluster.node('twin')
    file = join(cluster.dir, 'fencing')
    await joined(cluster.node('secondary'))
    known = await written()
  })
  after(async () => await cluster.down())

  /** Everything that following a promotion would change. */
  const written = async (): Promise<unknown> => [
    await operations(cluster),
    await catalogsOf(cluster.coordinator.postgres),
  ]
  const staysAway = async (reason: RegExp): Promise<void> => {
    await finds(twin, 'primary-restarts', reason, action)
    await looksAgain(twin)
    assert.deepEqual(await written(), known)
  }

  test('is not followed by default, and says which setting would', async () => {
    await twin.postgres.query('select pg_promote()')
    await staysAway(/^the coordinator has group 2 at localhost:\d+, and this node was promoted on timeline 2$/)
    assert.ok((await statusOf(old)).ready.ok)
  })

  test('is not followed while the coordinator reaches the old primary, whatever the fencing authority says', async () => {
    await writeFile(file, `localhost:${twin.pgPort} 2\n`)
    await twin.sidecar.stop()
    twin.sidecar.start(follow(file))
    await twin.sidecar.answers('/livez')
    await staysAway(new RegExp(`^the coordinator still reaches a primary at localhost:${old.pgPort}$`))
    await rm(file)
  })

  test('is not followed before the fencing authority has spoken', async () => {
    await old.postgres.stop()
    await staysAway(/^the fencing authority has not spoken \(ENOENT: /)
  })

  for (const [what, text] of [
    ['another timeline', (port: number) => `localhost:${port} 3`],
    ['another node', (port: number) => `localhost:${port + 1} 2`],
    ['nothing', () => ''],
  ] as const) {
    test(`is not followed when the fencing authority names ${what}`, async () => {
      const said = text(twin.pgPort)
      await writeFile(file, `${said}\n`)
      await staysAway(new RegExp(`^the fencing authority says "${said}", not "localhost:${twin.pgPort} 2"$`))
    })
  }

  test('is followed when the fencing authority has named it', async () => {
    const before = await operations(cluster)
    await writeFile(file, `localhost:${twin.pgPort} 2\n`)
    await joined(twin)
    assert.ok((await registered(cluster)).includes(`2 localhost:${twin.pgPort}`))
    assert.deepEqual((await operations(cluster)).slice(before.length), ['twin follow-promotion succeeded'])
    assert.equal((await twin.sidecar.get('/primary')).status, 200)
    known = (await registered(cluster)).filter((row) => row.startsWith('2 '))
  })

  test('keeps its group when the old primary comes back, which is refused', async () => {
    await old.postgres.start()
    await finds(old, 'group-taken', /^the coordinator has group 2 at localhost:\d+, which is member twin$/)
    await old.sidecar.restart()
    await finds(old, 'group-taken', /which is member twin$/)
    await looksAgain(old)
    assert.deepEqual(
      (await registered(cluster)).filter((row) => row.startsWith('2 ')),
      known,
    )
    assert.deepEqual(
      (await statusOf(old)).flips.filter(({ verdict, ok }) => verdict === 'ready' && ok),
      [],
    )
    await joined(twin)
  })

  test('is followed also where it was registered as a secondary', async () => {
    const [primary, secondary] = [cluster.node('worker-2'), cluster.node('secondary')]
    await primary.postgres.stop()
    await secondary.postgres.query('select pg_promote()')
    await writeFile(file, `localhost:${secondary.pgPort} 2\n`)
    await secondary.sidecar.stop()
    secondary.sidecar.start(follow(file))
    await secondary.sidecar.answers('/livez')
    await joined(secondary)
    const rows = (await registered(cluster)).filter((row) => row.startsWith('3 '))
    assert.deepEqual(rows, [`3 localhost:${secondary.pgPort}`, `3 localhost:${primary.pgPort} secondary`])
    await primary.postgres.start()
    await finds(primary, 'group-taken', /which is member secondary$/)
  })
})

suite('the promoted standby of the coordinator', () => {
  let cluster: LocalCluster
  let old: LocalNode
  let heir: LocalNode
  let worker: LocalNode
  let file: string
  before(async () => {
    cluster = await startCluster({
      workers: 1,
      standbys: [{ of: 'coordinator', name: 'heir' }],
      env: quick,
    })
    old = cluster.coordinator
    heir = cluster.node('heir')
    worker = cluster.node('worker-1')
    file = join(cluster.dir, 'fencing')
  })
  after(async () => await cluster.down())

  const at = async (node: LocalNode, use: string): Promise<number> => (await sidecarSessions(node.postgres, use)).length
  const recorded = async (): Promise<string[]> => {
    const rows = await heir.postgres.query<{ text: string }>(
      `select concat_ws(' ', member, kind, coalesce(outcome, phase)) as text from citus_sidecar.operations order by started_at`,
    )
    return rows.map(({ text }) => text)
  }

  test('is ready as a standby, while everybody listens on the primary', async () => {
    await Promise.all(cluster.nodes.map(async (node) => await joined(node)))
    await eventuallyEqual(
      'all listen on the primary',
      async () => [await at(old, 'listen'), await at(heir, 'listen')],
      [3, 0],
    )
    assert.equal((await heir.sidecar.get('/replica')).status, 200)
  })

  test('is not followed to while it is a standby: the worker stays ready, marked stale', async () => {
    await heir.sidecar.stop()
    heir.sidecar.start(follow(file))
    await joined(heir)
    await old.postgres.stop()
    // The session that breaks tells first, and less.
    const reason = /no coordinator answers as a primary: .*in recovery/
    await until(worker, 'is blind', ({ join: found }) => found.finding === 'blind' && reason.test(found.reason))
    const page = await worker.sidecar.get('/readyz?verbose')
    assert.equal(page.status, 200)
    assert.match(page.body, /^\[!\]registered warning: stale: .*no coordinator answers as a primary: /m)
  })

  test('is the coordinator for the workers once it is promoted', async () => {
    const flips = (await statusOf(worker)).flips
    const before = await recorded()
    await heir.postgres.query('select pg_promote()')
    await joined(worker)
    await eventuallyEqual('the worker listens there', async () => (await at(heir, 'listen')) > 0, true)
    await finds(heir, 'primary-restarts', /^the fencing authority has not spoken/, action)
    await writeFile(file, `localhost:${heir.pgPort} 2\n`)
    await joined(heir)
    await looksAgain(worker)
    await joined(worker)
    assert.deepEqual((await statusOf(worker)).flips, flips)
    assert.deepEqual((await recorded()).slice(before.length), ['heir follow-promotion succeeded'])
    const rows = await heir.postgres.query('select groupid, nodeport from pg_dist_node order by groupid')
    assert.deepEqual(rows, [
      { groupid: 0, nodeport: heir.pgPort },
      { groupid: 2, nodeport: worker.pgPort },
    ])
  })

  test('is the coordinator also while the old primary runs: the newer timeline is', async () => {
    const catalogs = async (): Promise<unknown> => [await catalogsOf(old.postgres), await recorded()]
    await old.postgres.start()
    const before = await catalogs()
    await finds(old, 'group-taken', /^the coordinator has group 0 at localhost:\d+, which is member heir$/)
    await worker.sidecar.restart()
    await joined(worker)
    await looksAgain(worker)
    await eventuallyEqual(
      'all listen on the new one',
      async () => [await at(old, 'listen'), await at(heir, 'listen')],
      [0, 3],
    )
    assert.deepEqual(await catalogs(), before)
    assert.ok((await statusOf(heir)).ready.ok)
  })

  test('nobody complains about anything in all that', () => {
    for (const node of [worker, heir]) assert.deepEqual(complaints(node), [])
  })
})

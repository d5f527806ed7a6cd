// `citus-sidecar bootstrap --wait`, as in a pod where it is started beside PostgreSQL.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'

suite('bootstrap --wait', () => {
  let cluster: LocalCluster
  before(async () => {
    cluster = await startCluster({ workers: 0, prepare: 'nothing', env: { PGDATABASE: 'app' } })
    await cluster.coordinator.postgres.stop('fast')
  })
  after(async () => await cluster.down())

  test('gives up when its time is over, with what it met', async () => {
    const { code, stdout, stderr } = await cluster.coordinator.command(['bootstrap', '--create', '--wait', '1s'])
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(
      stderr,
      /^citus-sidecar: waits, because nothing listens where PostgreSQL should be \(.+\)\ncitus-sidecar: CONNECT_FAILED: /,
    )
  })

  test('prepares a server that starts meanwhile', async () => {
    const { postgres } = cluster.coordinator
    const waiting = cluster.coordinator.command(['bootstrap', '--create', '--wait', '1m'])
    await postgres.start()
    const { code, stdout, stderr } = await waiting
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^database app created\n/)
  })

  test('says a refused login at once', async () => {
    const { code, stderr } = await cluster.coordinator.command(['bootstrap', '--wait', '1h'], {
      CITUS_SIDECAR_BOOTSTRAP_USER: 'nobody',
    })
    assert.equal(code, 1)
    assert.match(stderr, /^citus-sidecar: CONNECT_FAILED: .*\[28000\]\n$/)
  })

  test('says a wrong duration and what is allowed', async () => {
    const { code, stderr } = await cluster.coordinator.command(['bootstrap', '--wait', '5'])
    assert.equal(code, 2)
    assert.match(
      stderr,
      /^--wait: "5" is not accepted; allowed: a duration from 1s to 1d, with unit ms, s, m, h or d\n$/,
    )
  })
})

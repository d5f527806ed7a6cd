// Names and roles of a cluster's nodes, and what their sidecars are told.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type NodePlan, planNodes, sidecarEnvironment } from '../../../deploy/local/cluster-plan.ts'

const places = { socketDir: '/s', runDir: '/r', passwordFile: '/p', database: 'app' }

function plan(workers: number, standbyOf?: string, env: Record<string, string> = {}): NodePlan[] {
  const nodes = planNodes(workers, standbyOf === undefined ? [] : [{ of: standbyOf }])
  return nodes.map((node, index) => ({ ...node, pgPort: 5000 + index, httpPort: 6000 + index, env }))
}

function environmentOf(name: string, all: NodePlan[]): Record<string, string> {
  const node = all.find((candidate) => candidate.name === name)
  assert.ok(node !== undefined)
  return sidecarEnvironment(node, all, places)
}

test('one coordinator, workers numbered from 1, standbys after their primary', () => {
  const nodes = planNodes(2, [{ of: 'worker-2' }, { of: 'worker-2', name: 'spare' }, { of: 'coordinator' }])
  assert.deepEqual(
    nodes.map(({ name, role, standbyOf = '-' }) => `${name} ${role} ${standbyOf}`),
    [
      'coordinator coordinator -',
      'worker-1 worker -',
      'worker-2 worker -',
      'worker-2-standby worker worker-2',
      'spare worker worker-2',
      'coordinator-standby coordinator coordinator',
    ],
  )
})

test('a name that is taken and a primary that does not exist are refused', () => {
  assert.throws(() => planNodes(1, [{ of: 'worker-2' }]), /standby of "worker-2": .* coordinator, worker-1$/)
  assert.throws(() => planNodes(1, [{ of: 'worker-1' }, { of: 'worker-1' }]), /"worker-1-standby" is taken/)
})

test('a sidecar is told its node, the coordinator and its places', () => {
  assert.deepEqual(environmentOf('worker-1', plan(1)), {
    CITUS_SIDECAR_ROLE: 'worker',
    CITUS_SIDECAR_NODE: 'worker-1',
    CITUS_SIDECAR_ADDRESS: 'localhost:5001',
    CITUS_SIDECAR_COORDINATOR: 'localhost:5000',
    CITUS_SIDECAR_HTTP_ADDRESS: '127.0.0.1',
    CITUS_SIDECAR_HTTP_PORT: '6001',
    CITUS_SIDECAR_RUN_DIR: '/r',
    CITUS_SIDECAR_PASSWORD_FILE: '/p',
    PGHOST: '/s',
    PGPORT: '5001',
    PGUSER: 'citus_sidecar',
    PGDATABASE: 'app',
  })
})

test('what the caller sets wins', () => {
  const env = environmentOf('worker-1', plan(1, undefined, { CITUS_SIDECAR_ROLE: 'standalone', X: 'y' }))
  assert.equal(env['CITUS_SIDECAR_ROLE'], 'standalone')
  assert.equal(env['X'], 'y')
})

test("a standby is of its primary's group", () => {
  assert.equal(environmentOf('worker-3-standby', plan(3, 'worker-3'))['CITUS_SIDECAR_GROUP'], '4')
  assert.equal(environmentOf('coordinator-standby', plan(0, 'coordinator'))['CITUS_SIDECAR_GROUP'], '0')
})

test('a standby of the coordinator is one of the coordinators', () => {
  assert.equal(
    environmentOf('worker-1', plan(1, 'coordinator'))['CITUS_SIDECAR_COORDINATOR'],
    'localhost:5000,localhost:5002',
  )
})

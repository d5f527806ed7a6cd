// A node that stops while something on it waits for a peer that does not answer: that is over before clients are held, or said to be not.
import assert from 'node:assert/strict'
import { after, afterEach, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { hangingConnects } from '../../probes/host/hanging-connects.ts'
import { beginDrain, cancelDrain, drained, drainView, unhurried } from '../support/draining.ts'
import { joined } from '../support/joining.ts'
import { SilentPort } from '../support/silent-port.ts'

suite('a drain beside a peer that does not answer', () => {
  let cluster: LocalCluster
  let node: LocalNode
  let silent: SilentPort | undefined
  before(async () => {
    cluster = await startCluster({ workers: 0, env: unhurried })
    node = cluster.coordinator
    await joined(node)
  })
  afterEach(async () => {
    await cancelDrain(node)
    await silent?.[Symbol.asyncDispose]()
    silent = undefined
    await joined(node)
  })
  after(async () => await cluster.down())

  /** A registered node at whose port nobody answers while something connects to it. */
  async function hanging(timeout: string): Promise<SilentPort> {
    const port = (silent = await SilentPort.open())
    await node.postgres.query(`select citus_add_inactive_node('localhost', ${port.port})`)
    await node.postgres.query(`alter system set citus.node_connection_timeout = '${timeout}'`)
    await node.postgres.query('select pg_reload_conf()')
    await eventually('a connection hangs', async () => (await hangingConnects(new Set([port.port]))).length > 0)
    return port
  }
  const prepared = async (): Promise<string> =>
    (await drained(node)).phases.find(({ name, state }) => name === 'prepare' && state === 'done')?.reason ?? ''

  test('waits until nobody waits for it any more', async () => {
    const port = await hanging('1h')
    await beginDrain(node)
    // All else in this phase takes it milliseconds.
    const asked = Date.now()
    await eventually('it waits', async () => {
      const phases = (await drainView(node))?.phases ?? []
      return Date.now() - asked > 1_500 && phases.some(({ name, state }) => name === 'prepare' && state === 'running')
    })
    await port[Symbol.asyncDispose]()
    silent = undefined
    assert.ok((await prepared()).endsWith(`; a connection to 127.0.0.1:${port.port} was waited for`), await prepared())
  })

  test('goes on once no single connection can have lasted so long, and says so', async () => {
    const { port } = await hanging('1s')
    await beginDrain(node)
    const said = await prepared()
    assert.ok(
      said.endsWith(`; 127.0.0.1:${port} does not answer, which may keep PostgreSQL from stopping at once`),
      said,
    )
  })
})

// A worker that is back at another address: its name still leads elsewhere, and clients are held until the coordinator reaches it.
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, before, suite, test } from 'node:test'
import type { EventName } from '../../agent/events.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { nothingIsLeft } from '../support/aftermath.ts'
import { drainWhole, unhurried } from '../support/draining.ts'
import { HalfOpenProxy } from '../support/half-open-proxy.ts'
import { joined, patience } from '../support/joining.ts'
import { makeWritten, untilHolds } from '../support/node-holds.ts'
import { metricsOf } from '../support/prometheus-text.ts'

const at = ({ host, pgPort: port }: LocalNode): { host: string; port: number } => ({ host, port })

suite('a worker that is back while its name leads elsewhere', () => {
  let cluster: LocalCluster
  let worker: LocalNode
  let elsewhere: LocalNode
  let name: HalfOpenProxy
  before(async () => {
    cluster = await startCluster({ workers: 2, env: unhurried, sidecars: false })
    worker = cluster.node('worker-1')
    elsewhere = cluster.node('worker-2')
    name = await HalfOpenProxy.start(at(worker))
    for (const node of [cluster.coordinator, elsewhere]) node.sidecar.start()
    await joined(cluster.coordinator)
    begin()
    await Promise.all([worker, elsewhere].map(async (node) => await joined(node)))
    await makeWritten(cluster)
  })
  afterEach(() => name.leadTo(at(worker)))
  after(async () => {
    await name[Symbol.asyncDispose]()
    await cluster.down()
  })

  function begin(): void {
    worker.sidecar.start({ CITUS_SIDECAR_ADDRESS: `localhost:${name.port}` })
  }

  /** Drains the worker and stops it; when it is back its name leads to the other one. */
  async function stopped(): Promise<string> {
    await joined(worker)
    const id = await drainWhole(worker)
    await worker.postgres.stop()
    name.leadTo(at(elsewhere))
    return id
  }
  const said = (event: EventName, id: string): Readonly<Record<string, unknown>> | undefined =>
    worker.sidecar.log().find((line) => line['event'] === event && line['operation'] === id)
  const heard = async (event: EventName, id: string): Promise<Readonly<Record<string, unknown>>> =>
    await eventually(`${event} is said`, () => said(event, id), { deadline: patience })
  /** Connections that were led elsewhere so far. */
  const misled = (): number => [...name.made.values()].reduce((sum, count) => sum + count, 0)
  const isAskedFor = async (): Promise<void> => {
    const before = misled()
    // The second comes of a look after the first one's answer.
    await eventually('its name is asked for', () => misled() >= before + 2, { deadline: patience })
  }

  test('is not what clients are let go to, until it leads there', async () => {
    const id = await stopped()
    await worker.postgres.start()
    await isAskedFor()
    await untilHolds([cluster.coordinator], 1)
    name.leadTo(at(worker))
    await heard('drain.back', id)
    assert.equal(said('drain.unreached', id), undefined)
    await nothingIsLeft(cluster, cluster.coordinator, id)
  })

  test('in a new pod is not what clients are let go to either, and how long they waited is told', async () => {
    const id = await stopped()
    await worker.sidecar.kill()
    await rm(join(worker.runDir, 'drain.json'))
    await worker.postgres.start()
    begin()
    await isAskedFor()
    await untilHolds([cluster.coordinator], 1)
    name.leadTo(at(worker))
    const { waitedMs } = await heard('drain.back', id)
    assert.equal(said('drain.unreached', id), undefined)
    await nothingIsLeft(cluster, cluster.coordinator, id)
    const metrics = await metricsOf(worker.sidecar)
    const [waited] = [...(metrics.get('citus_sidecar_last_drain_client_wait_seconds')?.samples.values() ?? [])]
    assert.equal(waited, Number(waitedMs) / 1000)
  })

  test('for ever is let go to all the same, and said to be so', async () => {
    const id = await stopped()
    await worker.postgres.start()
    const { reason } = await heard('drain.unreached', id)
    assert.match(
      String(reason),
      new RegExp(
        `^the coordinator does not reach localhost:${name.port} yet: another server answers there \\(\\d+\\)$`,
      ),
    )
    await heard('drain.back', id)
    await untilHolds(cluster.nodes, 0)
  })
})

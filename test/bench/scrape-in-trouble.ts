// A scrape while PostgreSQL is in trouble answers from memory.
import { startCluster } from '../../deploy/local/start-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { TakenSlots } from '../support/connection-slots.ts'
import { metricsOf } from '../support/prometheus-text.ts'
import { worstBelow } from './claim.ts'
import type { Claim, Result } from './claim.ts'
import { timeUntil } from './poll.ts'

const scrapes = 50
const limit = 50

async function scrape({ sidecar }: LocalNode): Promise<number | undefined> {
  return (await metricsOf(sidecar)).get('pg_up')?.samples.get('pg_up')
}

async function measure(node: LocalNode, what: string, up: number): Promise<Result> {
  await timeUntil(`pg_up is ${up}`, performance.now(), async () => (await scrape(node)) === up)
  const times: number[] = []
  for (let index = 0; index < scrapes; index += 1) {
    const begun = performance.now()
    const { status } = await node.sidecar.get('/metrics')
    times.push(performance.now() - begun)
    if (status !== 200) throw new Error(`${what}: status ${status}`)
  }
  return worstBelow(`a scrape while ${what}, pg_up ${up}`, times, limit)
}

export const scrapeInTrouble: Claim = {
  name: 'scrape-in-trouble',
  how: `${scrapes} scrapes, each over a connection of its own, in each of these states`,
  run: async (agent) => {
    await using cluster = await startCluster({ workers: 0, agent })
    const { coordinator: node } = cluster
    const results: Result[] = []
    const session = await node.postgres.connect()
    await session.query('create table locked (id integer primary key)')
    await session.query('begin; lock table locked in access exclusive mode')
    results.push(await measure(node, 'a table is locked', 1))
    await session.end()
    {
      await using _slots = await TakenSlots.take(node.postgres)
      results.push(await measure(node, 'there is no connection left', 1))
    }
    await node.postgres.freeze()
    results.push(await measure(node, 'every process of PostgreSQL is stopped', 0))
    node.postgres.thaw()
    await node.postgres.stop()
    results.push(await measure(node, 'PostgreSQL is down', 0))
    return results
  },
}

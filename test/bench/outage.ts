// How soon the truth is told: PostgreSQL killed, back, frozen, its postmaster alone frozen.
import { startCluster } from '../../deploy/local/start-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { worstBelow } from './claim.ts'
import type { Claim, Result } from './claim.ts'
import { statusOf, timeUntil } from './poll.ts'

const rounds = 5
const frozenLimit = 5_000

async function until(node: LocalNode, status: number, since: number): Promise<number> {
  return await timeUntil(`/readyz ${status}`, since, async () => (await statusOf(`${node.url}/readyz`)) === status)
}

async function accepts(node: LocalNode): Promise<boolean> {
  return await node.postgres.query('select 1').then(
    () => true,
    () => false,
  )
}

async function killAndRestart(node: LocalNode): Promise<{ down: number; up: number }> {
  const killed = performance.now()
  await node.postgres.kill()
  const down = await until(node, 503, killed)
  await node.postgres.start({ wait: false })
  await timeUntil('accepts', performance.now(), async () => await accepts(node))
  return { down, up: await until(node, 200, performance.now()) }
}

async function freeze(node: LocalNode, postmaster: boolean): Promise<number> {
  const frozen = performance.now()
  await node.postgres.freeze({ postmaster })
  const noticed = await until(node, 503, frozen)
  node.postgres.thaw()
  await until(node, 200, performance.now())
  return noticed
}

/** Asks /livez all the while; returns how many answers were not 200. */
function watchLiveness(node: LocalNode): { stop: () => Promise<Result> } {
  const counts = { asked: 0, bad: 0 }
  let going = true
  const watching = (async (): Promise<void> => {
    while (going) {
      counts.asked += 1
      if ((await statusOf(`${node.url}/livez`)) !== 200) counts.bad += 1
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  const stop = async (): Promise<Result> => {
    going = false
    await watching
    const value = `${counts.bad} of ${counts.asked} answers were not 200`
    return { what: '/livez during all of these', value, target: '200 throughout', met: counts.bad === 0 }
  }
  return { stop }
}

export const outage: Claim = {
  name: 'outage',
  how: `${rounds} rounds each on one worker of a cluster, /readyz asked every few milliseconds; frozen limit ${frozenLimit} ms (the default)`,
  run: async (agent) => {
    await using cluster = await startCluster({ workers: 1, agent })
    const node = cluster.node('worker-1')
    const liveness = watchLiveness(node)
    const kills: { down: number; up: number }[] = []
    const whole: number[] = []
    const postmaster: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      kills.push(await killAndRestart(node))
      whole.push(await freeze(node, false))
      postmaster.push(await freeze(node, true))
    }
    return [
      worstBelow(
        'kill -9 to 503',
        kills.map(({ down }) => down),
        1_000,
      ),
      worstBelow(
        'accepting again to 200',
        kills.map(({ up }) => up),
        2_000,
      ),
      worstBelow('every process frozen to 503', whole, frozenLimit),
      worstBelow('postmaster alone frozen to 503', postmaster, frozenLimit),
      await liveness.stop(),
    ]
  },
}

// How soon a started sidecar answers the kubelet.
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { worstBelow } from './claim.ts'
import type { Claim } from './claim.ts'
import { statusOf, timeUntil } from './poll.ts'

const starts = 10

export const start: Claim = {
  name: 'start',
  how: `${starts} starts of the built program beside a running server, from spawning the process to 200 on /livez`,
  run: async (agent) => {
    await using cluster = await startCluster({ workers: 0, agent })
    const { sidecar, url } = cluster.coordinator
    const times: number[] = []
    for (let round = 0; round < starts; round += 1) {
      await sidecar.stop()
      const since = performance.now()
      sidecar.start()
      times.push(await timeUntil('/livez', since, async () => (await statusOf(`${url}/livez`)) === 200))
    }
    return [worstBelow('process start to /livez', times, 500)]
  },
}

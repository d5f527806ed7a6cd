// What traces cost a sidecar that makes few spans: memory and start, with them off and on.
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../../deploy/local/eventually.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { OtlpReceiver } from '../support/otlp-receiver.ts'
import { ms, quantile } from './claim.ts'
import type { Claim, Result } from './claim.ts'
import { residentMegabytes } from './idle.ts'
import { statusOf, timeUntil } from './poll.ts'

const starts = 10
/** By then every probe has run, and the heap has found its size. */
const settles = 60_000
const mostMegabytes = 120

export const tracing: Claim = {
  name: 'tracing',
  how: `a coordinator's sidecar with traces off and on, sent to a receiver on this machine: ${starts} starts of each in turn, from spawning the process to 200 on /livez, then resident memory ${settles / 1_000} s after the last start of each; MB are 1024² bytes`,
  run: async (agent) => {
    await using receiver = await OtlpReceiver.start()
    await using cluster = await startCluster({ workers: 0, agent })
    const { sidecar, url } = cluster.coordinator
    const measure = async (env: Readonly<Record<string, string>>): Promise<number> => {
      await sidecar.stop()
      const since = performance.now()
      sidecar.start(env)
      return await timeUntil('/livez', since, async () => (await statusOf(`${url}/livez`)) === 200)
    }
    const times = { off: [] as number[], on: [] as number[] }
    for (let round = 0; round < starts; round += 1) {
      times.off.push(await measure({}))
      times.on.push(await measure(receiver.env))
    }
    const settled = async (env: Readonly<Record<string, string>>): Promise<number> => {
      await measure(env)
      await delay(settles)
      return residentMegabytes(sidecar.pid ?? 0)
    }
    const off = await settled({})
    // Probes are told too, so that spans are made and sent all the while.
    const on = await settled({ ...receiver.env, CITUS_SIDECAR_TRACE_PROBES: 'postgres.alive' })
    await eventually('spans are received', () => receiver.spans.length > 0)
    const start = (which: 'off' | 'on'): Result => ({
      what: `process start to /livez, traces ${which}`,
      value: `median ${ms(quantile(times[which], 0.5))}, worst ${ms(Math.max(...times[which]))} of ${starts}`,
      target: undefined,
      met: undefined,
    })
    return [
      start('off'),
      start('on'),
      { what: 'resident memory, traces off', value: `${off.toFixed(1)} MB`, target: '< 90 MB', met: off < 90 },
      {
        what: 'resident memory, traces on, a span a second',
        value: `${on.toFixed(1)} MB, ${receiver.spans.length} spans received`,
        target: `< ${mostMegabytes} MB`,
        met: on < mostMegabytes,
      },
    ]
  },
}

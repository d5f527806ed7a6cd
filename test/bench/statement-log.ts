// What it costs a sidecar to make statements and spans of a busy server's log: lines lost, processor, memory, and that probes do not feel it.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { makeFolder } from '../../deploy/local/server-user.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { OtlpReceiver } from '../support/otlp-receiver.ts'
import { ms, quantile } from './claim.ts'
import type { Claim, Result } from './claim.ts'
import { load } from './endpoints.ts'
import { cpuSeconds, residentMegabytes } from './idle.ts'
import { writeLog } from './written-log.ts'

const seconds = 20
const paths = ['/livez', '/readyz', '/startupz']
const asked = { perSecond: 50, seconds }
const [usual, busy, flood] = [1_000, 20_000, 100_000]

interface Seen {
  readonly lines: number
  readonly skippedBytes: number
}

/** What the reader has read so far. */
async function seen({ sidecar }: LocalNode): Promise<Seen> {
  const { body } = await sidecar.get('/metrics')
  const told = (name: string): number => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(body)?.[1] ?? Number.NaN)
  return {
    lines: told('citus_sidecar_log_reader_lines_total'),
    skippedBytes: told('citus_sidecar_log_reader_skipped_bytes_total'),
  }
}

interface Run extends Seen {
  /** Of a core. */
  readonly processor: number
  /** Most, MB. */
  readonly memory: number
  readonly p99: number
  readonly failures: number
}

/** What happens while a log is written so fast. */
async function reading(node: LocalNode, path: string, linesPerSecond: number): Promise<Run> {
  const pid = node.sidecar.pid ?? 0
  const before = await seen(node)
  const [cpu, since] = [cpuSeconds(pid), performance.now()]
  let memory = 0
  const watch = setInterval(() => (memory = Math.max(memory, residentMegabytes(pid))), 200)
  const loads = Promise.all(paths.map(async (page) => await load(`${node.url}${page}`, [200], asked)))
  if (linesPerSecond > 0) await writeLog({ path, linesPerSecond, seconds })
  const answers = await loads
  const processor = (cpuSeconds(pid) - cpu) / ((performance.now() - since) / 1_000)
  let last = -1
  await eventually('the log is read', async () => {
    const { lines } = await seen(node)
    const still = lines === last
    last = lines
    if (!still) await delay(1_500)
    return still
  })
  clearInterval(watch)
  const { lines, skippedBytes } = await seen(node)
  return {
    lines: lines - before.lines,
    skippedBytes: skippedBytes - before.skippedBytes,
    processor,
    memory,
    p99: quantile(
      answers.flatMap(({ latencies }) => latencies),
      0.99,
    ),
    failures: answers.reduce((sum, one) => sum + one.failures, 0),
  }
}

function rate(linesPerSecond: number): string {
  return `at ${linesPerSecond.toLocaleString('en')} lines/s`
}

function results(rested: Run, at: number, { lines, skippedBytes, processor, memory, p99, failures }: Run): Result[] {
  const lost = at * seconds - lines
  const more = (processor - rested.processor) * 100
  return [
    {
      what: `lines lost ${rate(at)}`,
      value: `${lost} of ${at * seconds}; ${skippedBytes} bytes passed over`,
      target: at === flood ? undefined : '0',
      met: at === flood ? undefined : lost === 0,
    },
    {
      what: `processor ${rate(at)}, beyond ${(rested.processor * 100).toFixed(1)} % without lines`,
      value: `${more.toFixed(1)} % of a core, ${((more * 1e4) / at).toFixed(1)} µs a line`,
      target: at === usual ? '< 10 %' : at === busy ? '< 100 %' : undefined,
      met: at === usual ? more < 10 : at === busy ? more < 100 : undefined,
    },
    {
      what: `resident memory, most ${rate(at)}`,
      value: `${memory.toFixed(0)} MB; ${rested.memory.toFixed(0)} MB without lines`,
      target: at === usual ? '< 120 MB' : undefined,
      met: at === usual ? memory < 120 : undefined,
    },
    {
      what: `GET ${paths.join(', ')} ${rate(at)}`,
      value: `p99 ${ms(p99)}, ${failures} failed`,
      target: at === usual ? `p99 < ${ms(5)}, 0 failed` : '0 failed',
      met: failures === 0 && (at !== usual || p99 < 5),
    },
  ]
}

export const statementLog: Claim = {
  name: 'statement-log',
  how: `a sidecar with traces on, on a log that another process writes for ${seconds} s at a time, lines of 520 bytes, three of them a task with a literal of its own; ${asked.perSecond} requests/s to each of ${paths.join(', ')} meanwhile; MB are 1024² bytes`,
  run: async (agent) => {
    await using receiver = await OtlpReceiver.start()
    await using cluster = await startCluster({ workers: 0, agent, sidecars: false })
    const node = cluster.coordinator
    const folder = join(cluster.record.ground, 'written-log')
    const path = join(folder, 'postgresql.json')
    await makeFolder(folder, 0o755)
    await writeFile(path, '')
    node.sidecar.start({ ...receiver.env, CITUS_SIDECAR_LOG_DIR: folder })
    await node.sidecar.answers('/readyz')
    await eventually('the log is followed', async () => (await seen(node)).lines === 0)
    await delay(10_000)
    const rested = await reading(node, path, 0)
    const found: Result[] = []
    for (const at of [usual, busy, flood]) found.push(...results(rested, at, await reading(node, path, at)))
    return found
  },
}

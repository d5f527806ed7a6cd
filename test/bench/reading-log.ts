// What it costs to read the log of a busy server: lines lost, processor, memory.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { Claim, Result } from './claim.ts'
import { residentMegabytes } from './idle.ts'
import type { Seen } from './log-reader.ts'
import { writeLog } from './written-log.ts'

const seconds = 10

interface Reading extends Seen {
  readonly memory: number
}

async function read(linesPerSecond: number): Promise<Reading> {
  const folder = await mkdtemp(join(tmpdir(), 'written-log-'))
  const path = join(folder, 'postgresql.json')
  await writeFile(path, '')
  const before = residentMegabytes(process.pid)
  const worker = new Worker(new URL('log-reader.ts', import.meta.url), {
    workerData: { folder, record: join(folder, 'positions') },
  })
  try {
    await once(worker, 'online')
    // The first look finds the file empty; what comes later is told line by line.
    await delay(1_000)
    let most = 0
    const watch = setInterval(() => (most = Math.max(most, residentMegabytes(process.pid))), 200)
    await writeLog({ path, linesPerSecond, seconds })
    await delay(2_000)
    clearInterval(watch)
    const { promise, resolve } = Promise.withResolvers<Seen>()
    worker.on('message', (message: number | Seen) => typeof message === 'object' && resolve(message))
    worker.postMessage('end')
    return { ...(await promise), memory: most - before }
  } finally {
    await worker.terminate()
    await rm(folder, { recursive: true, force: true })
  }
}

async function measure(linesPerSecond: number, core: number): Promise<readonly Result[]> {
  const { lines, droppedBytes, late, cpu, memory } = await read(linesPerSecond)
  const [lost, busy] = [linesPerSecond * seconds - lines, (cpu / seconds) * 100]
  const rate = `at ${linesPerSecond.toLocaleString('en')} lines/s`
  return [
    {
      what: `lines lost ${rate}`,
      value: `${lost} of ${linesPerSecond * seconds}, ${droppedBytes} bytes passed over, ${late} later than 1 s`,
      target: '0',
      met: lost === 0,
    },
    {
      what: `processor of the reader's thread ${rate}`,
      value: `${busy.toFixed(1)} % of a core, ${((cpu * 1e6) / lines).toFixed(1)} µs a line`,
      target: `< ${core} %`,
      met: busy < core,
    },
    {
      what: `memory that the thread adds ${rate}`,
      value: `${memory.toFixed(0)} MB`,
      target: undefined,
      met: undefined,
    },
  ]
}

export const readingLog: Claim = {
  name: 'reading-log',
  how: `a log that another process writes for ${seconds} s, lines of 520 bytes; a thread that follows it and reads every line, as the sidecar's does before it makes statements of them`,
  run: async () => [...(await measure(1_000, 2.5)), ...(await measure(20_000, 25))],
}

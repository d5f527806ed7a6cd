// The thread of the benchmark that reads the log: follows it, reads every line, and tells what it saw when asked to end.
import { parentPort, workerData } from 'node:worker_threads'
import { LogFollower } from '../../exporters/statements/follow.ts'
import { LogRecords } from '../../exporters/statements/log-records.ts'

/** What the reader saw. */
export interface Seen {
  readonly lines: number
  readonly droppedBytes: number
  /** Of this thread, seconds. */
  readonly cpu: number
  /** Lines that came later than a second after they were written. */
  readonly late: number
}

const { folder, record } = workerData as { readonly folder: string; readonly record: string }
const end = new AbortController()
const reader = new LogRecords()
const follower = new LogFollower({ folder, record, now: () => performance.now() })
const before = process.threadCpuUsage()
let [lines, late] = [0, 0]
parentPort?.on('message', () => end.abort())
const running = follower.run((batch) => {
  const now = Date.now()
  for (const { at } of reader.read(batch)) {
    lines += 1
    if (now - at > 1_000) late += 1
  }
  parentPort?.postMessage(lines)
}, end.signal)
await running
const { user, system } = process.threadCpuUsage(before)
const seen: Seen = { lines, late, droppedBytes: follower.figures.droppedBytes, cpu: (user + system) / 1e6 }
parentPort?.postMessage(seen)
parentPort?.close()

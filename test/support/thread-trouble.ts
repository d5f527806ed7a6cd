// Loaded before a sidecar in tests of its reader of the log (NODE_OPTIONS=--import): SIGUSR2 ends the thread as a fault would, and where the
// file that THREAD_HANGS names is there the thread computes for ever.
import { existsSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import type { Worker } from 'node:worker_threads'

const hangs = process.env['THREAD_HANGS']

if (isMainThread) {
  let newest: Worker | undefined
  process.on('worker', (worker) => (newest = worker))
  process.on('SIGUSR2', () => void newest?.terminate())
} else if (hangs !== undefined)
  setInterval(() => {
    while (existsSync(hangs));
  }, 20).unref()

/** Settings of a sidecar that has this trouble. */
export function troubled(file: string): Readonly<Record<string, string>> {
  return { NODE_OPTIONS: `--import=${import.meta.url}`, THREAD_HANGS: file }
}

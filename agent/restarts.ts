// How often PostgreSQL has started anew, kept in the run directory, so that a restarted sidecar goes on counting and sees what it missed.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import type { RestartCounts } from '../exporters/exporter.ts'
import type { Identity } from '../probes/postgres/identity.ts'
import type { ReadingStore } from './loop/readings.ts'
import { replaceFile } from '../probes/replace-file.ts'

const schema = z.object({
  /** The run that was seen last; times in milliseconds since 1970. */
  startedAt: z.number(),
  checkpointerSince: z.number().nullable(),
  postmaster: z.int().nonnegative(),
  crash: z.int().nonnegative(),
})

export type SeenRestarts = z.infer<typeof schema>

type Run = Pick<Identity, 'startedAt' | 'checkpointerSince'>

/** What is known after this run was seen. The first run there is has not been restarted. */
export function sawRun(before: SeenRestarts | undefined, run: Run): SeenRestarts {
  const { startedAt, checkpointerSince } = run
  if (before === undefined) return { startedAt, checkpointerSince, postmaster: 0, crash: 0 }
  if (before.startedAt !== startedAt)
    return { ...before, startedAt, checkpointerSince, postmaster: before.postmaster + 1 }
  if (checkpointerSince === null || checkpointerSince === before.checkpointerSince) return before
  return { ...before, checkpointerSince, crash: before.crash + Number(before.checkpointerSince !== null) }
}

function path(runDir: string): string {
  return join(runDir, 'restarts.json')
}

/** Counts as long as it is told of readings. */
export class Restarts {
  readonly #runDir: string
  #seen: SeenRestarts | undefined
  /** Ends when everything so far is written. */
  #written: Promise<void> = Promise.resolve()

  constructor(runDir: string, readings: ReadingStore) {
    this.#runDir = runDir
    readings.on('reading', (name) => {
      const run = name === 'postgres.identity' ? readings.get(name)?.value : undefined
      if (run !== undefined) this.#see(run)
    })
  }

  /** undefined while PostgreSQL has not been seen. */
  get counts(): RestartCounts | undefined {
    if (this.#seen === undefined) return undefined
    const { postmaster, crash, checkpointerSince } = this.#seen
    return { postmaster, crash: checkpointerSince === null ? undefined : crash }
  }

  /** Reads what an earlier sidecar has counted; nothing where the file is missing or not one of ours. */
  async load(): Promise<void> {
    try {
      this.#seen = schema.parse(JSON.parse(await readFile(path(this.#runDir), 'utf8')))
    } catch {
      // Counting begins with the first run that is seen.
    }
  }

  #see(run: Run): void {
    const before = this.#seen
    const seen = sawRun(before, run)
    this.#seen = seen
    // What cannot be written is counted all the same, as long as this process lives.
    if (seen !== before)
      this.#written = this.#written
        .then(async () => await replaceFile(path(this.#runDir), JSON.stringify(seen)))
        .catch(() => undefined)
  }
}

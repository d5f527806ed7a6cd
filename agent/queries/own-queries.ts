// The user's own queries while the sidecar runs: their files looked at again and again, a probe kept for each query.
import { probeNameOf, queryProbe } from '../../probes/own-query.ts'
import type { AskQuery, OwnQuery } from '../../probes/own-query.ts'
import type { Probe, QueryName } from '../../probes/probe.ts'
import type { Config } from '../config.ts'
import type { Report } from '../events.ts'
import type { Clock } from '../loop/clock.ts'
import type { ReadingStore } from '../loop/readings.ts'
import type { Scheduler } from '../loop/scheduler.ts'
import { probeLimits } from '../probe-limits.ts'
import { problemText, QueryFiles } from './query-files.ts'

export interface OwnQueriesOptions {
  readonly config: Config
  readonly clock: Clock
  readonly report: Report
  readonly readings: ReadingStore
  readonly scheduler: Pick<Scheduler, 'keep' | 'look'>
  readonly ask: AskQuery
  /** There is no query any more that asks. */
  readonly onNone: () => Promise<void>
}

/** How often the files are looked at, milliseconds; Kubernetes takes a minute to bring a changed ConfigMap. */
const lookEvery = 30_000

interface Kept {
  readonly query: OwnQuery
  /** What it was made of, to see whether that changed. */
  readonly made: string
  readonly probe: Probe<QueryName>
  readonly stop: AbortController
  readonly ended: Promise<void>
}

/** Keeps the probes of all queries there are. */
export class OwnQueries {
  readonly #options: OwnQueriesOptions
  readonly #files: QueryFiles
  readonly #kept = new Map<QueryName, Kept>()
  #said: ReadonlySet<string> = new Set()
  #wrong: number | undefined
  #version: number | undefined

  constructor(options: OwnQueriesOptions) {
    this.#options = options
    this.#files = new QueryFiles(options.config.queries ?? [])
    const { readings } = options
    readings.on('reading', (name) => {
      const version = readings.get('postgres.identity')?.lastGood?.value.serverVersionNum
      if (name !== 'postgres.identity' || version === this.#version) return
      this.#version = version
      const waiting = [...this.#kept.values()].filter(({ query }) => query.versions !== undefined)
      options.scheduler.look(...waiting.map(({ probe }) => probe.name))
    })
  }

  get probes(): readonly Probe<QueryName>[] {
    return [...this.#kept.values()].map(({ probe }) => probe)
  }

  /** How much is wrong in the files; undefined while nobody has looked, or there are to be none. */
  get wrong(): number | undefined {
    return this.#wrong
  }

  /** Returns when the signal has aborted and the last run has ended. */
  async run(signal: AbortSignal): Promise<void> {
    const { config, clock } = this.#options
    while (config.queries !== undefined && !signal.aborted) {
      await this.#look(signal)
      await clock.sleep(lookEvery, signal)
    }
    await Promise.all([...this.#kept.values()].map(async ({ ended }) => await ended))
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { report } = this.#options
    const { queries, problems } = await this.#files.read()
    const texts = new Set(problems.map(problemText))
    for (const problem of problems) if (!this.#said.has(problemText(problem))) report('queries.wrong', { ...problem })
    const first = this.#wrong === undefined
    const cured = this.#said.size > 0 && texts.size === 0
    this.#said = texts
    this.#wrong = problems.length
    const changed = await this.#keepThese(queries, signal)
    if (first || changed || cured) report('queries.read', { queries: this.#kept.size, wrong: problems.length })
  }

  /** Queries that are as they were go on with all they know. */
  async #keepThese(queries: readonly OwnQuery[], signal: AbortSignal): Promise<boolean> {
    const wanted = new Map(queries.map((query) => [probeNameOf(query), JSON.stringify(query)]))
    const gone = [...this.#kept.values()].filter(({ probe, made }) => wanted.get(probe.name) !== made)
    await Promise.all(gone.map(async (one) => await this.#stop(one)))
    if (gone.length > 0 && wanted.size === 0) await this.#options.onNone()
    const added = queries.filter((query) => !this.#kept.has(probeNameOf(query)))
    for (const query of added) this.#start(query, signal)
    return gone.length > 0 || added.length > 0
  }

  #start(query: OwnQuery, signal: AbortSignal): void {
    const { config, scheduler, ask } = this.#options
    const stop = new AbortController()
    const probe = queryProbe(query, probeLimits(config), ask)
    const ended = scheduler.keep(probe, AbortSignal.any([signal, stop.signal]))
    this.#kept.set(probe.name, { query, made: JSON.stringify(query), probe, stop, ended })
  }

  async #stop({ probe, stop, ended }: Kept): Promise<void> {
    stop.abort(new Error('the query is no more, or another one'))
    await ended
    this.#kept.delete(probe.name)
    this.#options.readings.forget(probe.name)
  }
}

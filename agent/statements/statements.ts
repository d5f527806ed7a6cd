// Statements in PostgreSQL's log, as the rest of the sidecar has them: figures for metrics, answers for `top` and for other sidecars.
import type { StatementFigures } from '../../exporters/statements/figures.ts'
import { ShapeStatistics } from '../../exporters/statements/shape-statistics.ts'
import { tellTop } from '../../exporters/statements/tell-top.ts'
import type { TopQuery, TopReport } from '../../exporters/statements/top-report.ts'
import type { LoggingFacts } from '../../exporters/statements/why-unread.ts'
import type { NodeFacts } from '../../probes/probe.ts'
import type { Sql } from '../../probes/sql.ts'
import type { Config } from '../config.ts'
import type { View } from '../http/view.ts'
import { serverResource } from '../telemetry.ts'
import type { Telemetry } from '../telemetry.ts'
import { ReaderLife } from './reader-life.ts'
import type { ReaderLifeOptions } from './reader-life.ts'
import { followWhereabouts } from './whereabouts.ts'
import type { WhereaboutsOptions } from './whereabouts.ts'

/** A person waits for `top` no longer, milliseconds. */
const patience = 5_000

const settings = [
  'logging_collector',
  'log_destination',
  'log_min_duration_statement',
  'log_min_duration_sample',
  'log_statement_sample_rate',
  'log_transaction_sample_rate',
]

export interface StatementsOptions
  extends
    Pick<ReaderLifeOptions, 'clock' | 'random' | 'report'>,
    Pick<WhereaboutsOptions, 'nodeId' | 'members' | 'sql'> {
  readonly config: Config
  readonly telemetry: Pick<Telemetry, 'emitter'>
  readonly facts: () => NodeFacts
}

export class Statements {
  readonly #options: StatementsOptions
  /** undefined where no log is to be read. */
  readonly #reader: ReaderLife | undefined
  /** Answers other sidecars; undefined where no spans are made. */
  readonly links: View['links']

  constructor(options: StatementsOptions) {
    this.#options = options
    const { config, telemetry } = options
    const { logDir: folder, statements: wanted } = config
    if (folder === undefined || !wanted) return
    const emit = telemetry.emitter?.(serverResource(config))
    const reader = new ReaderLife({ ...options, folder, emit })
    this.#reader = reader
    if (emit !== undefined) this.links = async (batch, signal) => await reader.links(batch, signal)
  }

  get figures(): StatementFigures | undefined {
    return this.#reader?.figures
  }

  /** What `citus-sidecar top` prints. @throws where the reader does not answer. */
  async top(query: TopQuery): Promise<TopReport> {
    const { config, clock, sql, facts } = this.#options
    const signal = AbortSignal.timeout(patience)
    const counts =
      this.#reader === undefined
        ? new ShapeStatistics(() => clock.now()).top(query)
        : await this.#reader.top(query, signal)
    const known = { wanted: config.statements, folder: config.logDir, jsonlog: this.#reader?.jsonlog }
    const logging = { ...known, version: facts().version, settings: await loggingSettings(sql(signal)) }
    return tellTop(counts, { node: config.node, reader: this.figures?.reader, logging })
  }

  /** Reads until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const reader = this.#reader
    if (reader === undefined) return
    const { facts } = this.#options
    const around = { citus: () => facts().citus !== undefined, know: reader.know.bind(reader) }
    await Promise.all([reader.run(signal), followWhereabouts({ ...this.#options, ...around }, signal)])
  }
}

/** What is not known is not told. */
async function loggingSettings(sql: Sql): Promise<LoggingFacts['settings']> {
  const rows = await sql
    .query<{ name: string; setting: string }>('select name, setting from pg_catalog.pg_settings where name = any($1)', [
      settings,
    ])
    .catch(() => [])
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))
}

// Why statements are not read, in the order in which somebody who sets it up meets it, and what to do about it.
// Settings: https://www.postgresql.org/docs/current/runtime-config-logging.html.
import type { Unread } from './top-report.ts'

/** What is known of how the server logs. */
export interface LoggingFacts {
  /** CITUS_SIDECAR_STATEMENTS. */
  readonly wanted: boolean
  /** CITUS_SIDECAR_LOG_DIR. */
  readonly folder: string | undefined
  /** Whether a file of jsonlog was found in it; undefined before anybody looked. */
  readonly jsonlog: boolean | undefined
  /** As in server_version_num. */
  readonly version: number | undefined
  /** Values of pg_settings by name; what is left out is not known. */
  readonly settings: Readonly<Record<string, string>>
}

const jsonlogSince = 150_000
const howToLog =
  "set log_min_duration_statement = '100ms', or for a part of all log_min_duration_sample = 0 and log_statement_sample_rate = 0.01, and reload"

const reasons: readonly (readonly [
  is: (facts: LoggingFacts) => boolean,
  reason: (facts: LoggingFacts) => string,
  action: string,
])[] = [
  [
    ({ wanted }) => !wanted,
    () => 'CITUS_SIDECAR_STATEMENTS is false',
    'set it to true, or leave it out, and restart the sidecar',
  ],
  [
    ({ folder }) => folder === undefined,
    () => 'CITUS_SIDECAR_LOG_DIR is not set',
    "mount the directory of PostgreSQL's log read-only into the sidecar's container and name it there",
  ],
  [
    ({ version }) => version !== undefined && version < jsonlogSince,
    ({ version = 0 }) => `PostgreSQL ${Math.floor(version / 10_000)} does not write jsonlog`,
    'upgrade to PostgreSQL 15 or later',
  ],
  [
    ({ settings }) => settings['logging_collector'] === 'off',
    () => 'logging_collector is off',
    'set logging_collector = on and restart PostgreSQL',
  ],
  [
    ({ settings: { log_destination: destination } }) => destination !== undefined && !destination.includes('jsonlog'),
    ({ settings }) => `log_destination is "${settings['log_destination']}"`,
    "set log_destination = 'stderr,jsonlog' and reload",
  ],
  [
    ({ jsonlog }) => jsonlog === false,
    ({ folder }) => `there is no file of jsonlog in ${folder}`,
    "see that CITUS_SIDECAR_LOG_DIR is this server's log_directory and that the sidecar may read it",
  ],
  [
    ({ settings }) => logsNoDuration(settings),
    () => 'log_min_duration_statement is off: only statements that fail are logged',
    howToLog,
  ],
]

function logsNoDuration(settings: LoggingFacts['settings']): boolean {
  const { log_min_duration_statement: always, log_min_duration_sample: sample } = settings
  if (always !== '-1') return false
  const none = (rate: string | undefined): boolean => rate !== undefined && Number(rate) === 0
  const noSample = sample === '-1' || none(settings['log_statement_sample_rate'])
  return noSample && none(settings['log_transaction_sample_rate'] ?? '0')
}

/** The first thing that keeps statements from being read; undefined where nothing is known to. */
export function whyUnread(facts: LoggingFacts): Unread | undefined {
  const [, reason, action = ''] = reasons.find(([is]) => is(facts)) ?? []
  return reason === undefined ? undefined : { reason: reason(facts), action }
}

// Settings of what is mounted here so that it can be watched.
import { text } from './setting-types.ts'
import { optional } from './setting.ts'

/** Rows of the settings table, keyed by their names in Config. */
export const fileSettings = {
  logDir: optional(
    'CITUS_SIDECAR_LOG_DIR',
    text(/^\/.+$/, 'an absolute path'),
    "Directory of PostgreSQL's log, where it is mounted here (read-only is enough): space on its volume is told.",
  ),
} as const

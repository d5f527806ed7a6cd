// Settings of what is mounted here so that it can be watched.
import { paths, text } from './setting-types.ts'
import { optional } from './setting.ts'

/** Rows of the settings table, keyed by their names in Config. */
export const fileSettings = {
  logDir: optional(
    'CITUS_SIDECAR_LOG_DIR',
    text(/^\/.+$/, 'an absolute path'),
    "Directory of PostgreSQL's log, where it is mounted here (read-only is enough): its lines and errors are counted, and space on its volume is told.",
  ),
  certificates: optional(
    'CITUS_SIDECAR_CERTIFICATES',
    paths(20),
    'Files with certificates whose expiry is told; PGSSLROOTCERT and PGSSLCERT are among them without being named.',
  ),
  pgbackrest: optional(
    'CITUS_SIDECAR_PGBACKREST',
    text(/^\/.+$/, 'an absolute path'),
    'The program pgbackrest, with its configuration beside it as usual; asked every ten minutes for its backups.',
  ),
} as const

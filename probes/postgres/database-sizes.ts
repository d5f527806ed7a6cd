// Size of each database. It reads the directories of the server and locks nothing, but takes its time with many files.
import { gauge } from '../collection.ts'
import type { Collection } from '../collection.ts'

/** Size of each database. */
export const databaseSizes = {
  name: 'postgres.database-sizes',
  collector: 'database',
  help: 'Size of each database.',
  interval: 300_000,
  session: 'sizes',
  sql: () => `
  select d.datname, pg_database_size(d.oid)::float8 as size from pg_catalog.pg_database d order by 2 desc`,
  families: [gauge('pg_database_size_bytes', 'Size of the database.', 'size', ['datname'])],
} as const satisfies Collection

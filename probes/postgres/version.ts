// Which PostgreSQL, under the name of postgres_exporter.
import { unknownType } from '../collection.ts'
import type { Collection } from '../collection.ts'

/** Version of the server. */
export const version = {
  name: 'postgres.version',
  help: 'Version of the server.',
  interval: 60_000,
  sql: () => `
  select pg_catalog.version(), 1 as static,
         array_to_string((regexp_split_to_array(pg_catalog.current_setting('server_version'), '[^0-9.]')
           || '{0,0}'::text[])[1:1], '.') || '.0' as short_version`,
  families: [unknownType('pg_static', 'Version of the server; always 1.', 'static', ['short_version', 'version'])],
} as const satisfies Collection

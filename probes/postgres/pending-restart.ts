// Settings that were changed and wait for a restart: the server does not run as its configuration says.
import { gauge } from '../collection.ts'
import type { Collection } from '../collection.ts'

/** Settings that wait for a restart. */
export const pendingRestart = {
  name: 'postgres.pending-restart',
  help: 'Settings that were changed and wait for a restart.',
  interval: 60_000,
  sql: () => `
  select s.name, 1 as pending, null::integer as count from pg_catalog.pg_settings s where s.pending_restart
  union all
  select null, null, count(*) from pg_catalog.pg_settings s where s.pending_restart`,
  families: [
    gauge('citus_sidecar_setting_pending_restart', 'A setting that waits for a restart; always 1.', 'pending', [
      'name',
    ]),
    gauge('citus_sidecar_settings_pending_restart', 'How many these are.', 'count'),
  ],
} as const satisfies Collection

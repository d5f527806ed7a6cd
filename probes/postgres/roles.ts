// Connection limits of roles, under the name of postgres_exporter.
import { gauge } from '../collection.ts'
import type { Collection } from '../collection.ts'

/** Connection limits of roles. */
export const roles = {
  name: 'postgres.roles',
  collector: 'roles',
  help: 'How many connections each role may have.',
  interval: 300_000,
  sql: () =>
    `select r.rolname, r.rolconnlimit as connections from pg_catalog.pg_roles r order by r.rolconnlimit = -1, r.rolname`,
  families: [
    gauge('pg_roles_connection_limit', 'Connections it may have; -1: no limit.', 'connections', ['rolname'], 'min'),
  ],
} as const satisfies Collection

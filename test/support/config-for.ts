// The Config of a sidecar beside a test's own server, for tests of single parts in this process.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Config, loadConfig } from '../../agent/config.ts'
import type { PostgresServer } from '../../deploy/local/postgres-server.ts'

/** Settings for the superuser's login over TCP, with the password in a file beside the server; `env` replaces or adds. */
export async function configFor(server: PostgresServer, env: Readonly<Record<string, string>> = {}): Promise<Config> {
  const passwordFile = join(server.spec.folder, 'password-of-the-test')
  await writeFile(passwordFile, `${server.spec.passwords.postgres}\n`, { mode: 0o600 })
  const settings = {
    CITUS_SIDECAR_ROLE: 'standalone',
    CITUS_SIDECAR_PASSWORD_FILE: passwordFile,
    PGHOST: '127.0.0.1',
    PGPORT: String(server.port),
    PGUSER: 'postgres',
    PGDATABASE: server.spec.database,
    PGSSLMODE: 'disable',
  }
  return loadConfig({ ...settings, ...env }, 'test')
}

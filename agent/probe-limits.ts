// What probes need of the settings.
import type { ProbeLimits } from '../probes/probe.ts'
import { beatSql } from './cluster/schema.ts'
import type { Config } from './config.ts'

/** The limits of every probe, which have the names of the settings; what is a path or SQL is added. */
export function probeLimits(config: Config): ProbeLimits {
  const { dataDir, logDir, certificates = [], pgbackrest, pgSslRootCert, pgSslCert } = config
  const all = [...certificates, pgSslRootCert, pgSslCert].filter((file) => file !== undefined)
  return {
    ...config,
    writeStatement: beatSql,
    paths: { data: dataDir, log: logDir, pgbackrest, certificates: [...new Set(all)] },
  }
}

// What probes need of the settings.
import type { ProbeLimits } from '../probes/probe.ts'
import { beatSql } from './cluster/schema.ts'
import type { Config } from './config.ts'

/** The limits of every probe of a node. */
export function probeLimits(config: Config): ProbeLimits {
  const {
    frozenAfter,
    connectTimeout,
    statementTimeout,
    registrationInterval,
    peerInterval,
    heartbeatInterval,
    maxSeries,
    statementText,
    pgMetrics,
    tenants,
    dataDir,
    logDir,
    certificates = [],
    pgbackrest,
    pgSslRootCert,
    pgSslCert,
  } = config
  return {
    frozenAfter,
    connectTimeout,
    statementTimeout,
    registrationInterval,
    peerInterval,
    heartbeatInterval,
    maxSeries,
    statementText,
    pgMetrics,
    tenants,
    writeStatement: beatSql,
    paths: {
      data: dataDir,
      log: logDir,
      pgbackrest,
      certificates: [...new Set([...certificates, pgSslRootCert, pgSslCert].filter((file) => file !== undefined))],
    },
  }
}

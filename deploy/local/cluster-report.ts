// How a running cluster is shown: a line of JSON for programs, a table for people.

import type { LocalCluster } from './local-cluster.ts'

/** What `up --json` prints as one line; its keys are an interface. */
export interface ClusterReport {
  /** Version of real Citus, or `stand-in`. */
  readonly citus: string
  readonly dir: string
  readonly nodes: readonly {
    readonly name: string
    readonly role: string
    readonly host: string
    readonly pgPort: number
    readonly socketDir: string
    readonly dataDir: string
    readonly url: string
    readonly controlSocket: string
    /** Process ids; null for what is not running. */
    readonly pids: { readonly postgres: number | null; readonly sidecar: number | null }
  }[]
  readonly poolers: readonly {
    readonly name: string
    readonly port: number
    readonly adminSocketDir: string
    readonly url: string
    readonly controlSocket: string
    readonly pids: { readonly pgbouncer: number | null; readonly sidecar: number | null }
  }[]
}

/** The cluster as it is now. */
export function reportCluster(cluster: LocalCluster): ClusterReport {
  return {
    citus: cluster.kind === 'citus' ? cluster.record.citusVersion : 'stand-in',
    dir: cluster.dir,
    nodes: cluster.nodes.map((node) => ({
      name: node.name,
      role: node.role,
      host: node.host,
      pgPort: node.pgPort,
      socketDir: node.socketDir,
      dataDir: node.dataDir,
      url: node.url,
      controlSocket: node.controlSocket,
      pids: { postgres: node.postgres.pid ?? null, sidecar: node.sidecar.pid ?? null },
    })),
    poolers: cluster.poolers.map(({ name, port, adminSocketDir, url, controlSocket, pgbouncer, sidecar }) => ({
      name,
      port,
      adminSocketDir,
      url,
      controlSocket,
      pids: { pgbouncer: pgbouncer.pid ?? null, sidecar: sidecar.pid ?? null },
    })),
  }
}

/** The report as a table with a heading, every line ended. */
export function renderTable(report: ClusterReport): string {
  const rows = [
    ['node', 'role', 'postgres', 'sidecar', 'pids'],
    ...report.nodes.map(({ name, role, host, pgPort, url, pids }) => [
      name,
      role,
      `${host}:${pgPort}`,
      pids.sidecar === null ? '-' : url,
      `${pids.postgres ?? '-'} ${pids.sidecar ?? '-'}`,
    ]),
    ...report.poolers.map(({ name, port, url, pids }) => [
      name,
      'pooler',
      `localhost:${port}`,
      pids.sidecar === null ? '-' : url,
      `${pids.pgbouncer ?? '-'} ${pids.sidecar ?? '-'}`,
    ]),
  ]
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
  return lines.map((line) => `${line.trimEnd()}\n`).join('')
}

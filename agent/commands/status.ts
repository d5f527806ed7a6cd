// citus-sidecar status: the whole cluster as a table, from the ledger and pg_dist_node on the coordinator.
import { CoordinatorLocator } from '../cluster/coordinator.ts'
import { clusterTable, readClusterStatus } from '../cluster/cluster-status.ts'
import { loadConfig } from '../config.ts'
import type { Config } from '../config.ts'
import { askSidecar } from '../control-client.ts'
import { reasonOf, SidecarError } from '../errors.ts'
import type { StatusReport } from '../http/status-report.ts'
import { systemClock } from '../loop/clock.ts'
import { Session } from '../pg/session.ts'
import { parseArguments } from './arguments.ts'
import type { Command } from './command.ts'

/** How often --watch looks again, milliseconds. */
const watchEvery = 2_000
/** The table is not kept from people by a sidecar that hangs, milliseconds. */
const sidecarPatience = 2_000
const clearScreen = '\u001B[H\u001B[2J'

export const status: Command = {
  name: 'status',
  summary: 'print the cluster as a table: node, role, group, address, state, ready, lag, version, last seen',
  usage: `citus-sidecar status [--json] [--watch]

  --json   print as JSON (with --watch: one line each time)
  --watch  print again every 2 s until interrupted`,
  run: async (context) => {
    const { values } = parseArguments(
      context.args,
      { json: { type: 'boolean' }, watch: { type: 'boolean' } },
      { most: 0 },
    )
    const config = loadConfig(context.env, context.hostname)
    if (config.role === 'standalone')
      throw new SidecarError('USAGE', 'role standalone belongs to no cluster; its state is at /status of the HTTP port')
    const locator = new CoordinatorLocator(config, systemClock)
    await using session = new Session(config, { target: async (signal) => await locator.target('status', signal) })
    do {
      const cluster = await readClusterStatus(
        session.sql({ timeout: config.statementTimeout, signal: context.stop }),
        systemClock.now(),
      )
      const wrong = await queriesWrong(config)
      const found = { ...cluster, queriesWrong: typeof wrong === 'number' ? wrong : null }
      const text =
        values.json === true
          ? `${JSON.stringify(found, undefined, values.watch === true ? undefined : 2)}\n`
          : clusterTable(cluster) + queriesLine(config.node, wrong)
      context.stdout.write(values.watch === true && context.stdout.isTTY === true ? clearScreen + text : text)
      if (values.watch === true) await systemClock.sleep(watchEvery, context.stop)
    } while (values.watch === true && !context.stop.aborted)
    return 0
  },
}

/** Problems in the files of this node's own queries, as its sidecar has them, or why it does not say; undefined where there are to be no such queries. */
async function queriesWrong(config: Config): Promise<number | string | undefined> {
  if (config.queries === undefined) return undefined
  try {
    const report = await askSidecar<StatusReport>(config, 'GET', '/v1/status', undefined, sidecarPatience)
    return report.queriesWrong ?? 'it has not read their files yet'
  } catch (error) {
    return reasonOf(error)
  }
}

function queriesLine(node: string, wrong: number | string | undefined): string {
  if (wrong === undefined || wrong === 0) return ''
  if (typeof wrong === 'string') return `${node}: its sidecar does not say whether own queries are well: ${wrong}\n`
  return `${node}: problems in own queries: ${wrong}; \`citus-sidecar config\` lists each with file, line and what is allowed\n`
}

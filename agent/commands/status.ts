// citus-sidecar status: the whole cluster as a table, from the ledger and pg_dist_node on the coordinator.
import { CoordinatorLocator } from '../cluster/coordinator.ts'
import { clusterTable, readClusterStatus } from '../cluster/cluster-status.ts'
import { loadConfig } from '../config.ts'
import { SidecarError } from '../errors.ts'
import { systemClock } from '../loop/clock.ts'
import { Session } from '../pg/session.ts'
import { parseArguments } from './arguments.ts'
import type { Command } from './command.ts'
import { printAgain } from './print-again.ts'

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
    const watch = values.watch === true
    await printAgain(context, watch, async () => {
      const found = await readClusterStatus(
        session.sql({ timeout: config.statementTimeout, signal: context.stop }),
        systemClock.now(),
      )
      return values.json === true ? `${JSON.stringify(found, undefined, watch ? undefined : 2)}\n` : clusterTable(found)
    })
    return 0
  },
}

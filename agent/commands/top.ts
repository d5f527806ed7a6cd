// citus-sidecar top: which statements are slow, frequent or failing on this node right now, from the server's log.
import { mostMinutes, mostShown, topKinds, topOrders } from '../../exporters/statements/top-report.ts'
import type { TopReport } from '../../exporters/statements/top-report.ts'
import { loadConfig } from '../config.ts'
import { askSidecar } from '../control-client.ts'
import { SidecarError } from '../errors.ts'
import { parseArguments } from './arguments.ts'
import type { Command } from './command.ts'
import { printAgain } from './print-again.ts'
import { topTable } from './top-table.ts'

export const top: Command = {
  name: 'top',
  summary: 'print which statements of the last minutes took the most time on this node, from the log of PostgreSQL',
  usage: `citus-sidecar top [--minutes N] [--by ORDER] [--limit N] [--kind KIND] [--json] [--watch]

Of statements that the server logs; those that differ in values and shards alone count as one. DIST is the part that went to other nodes and
TASKS the commands of a statement, both of what is logged (citus.log_remote_commands). Ends with 3 where statements are not read.

  --minutes N   how far to look back, 1 to 60; default 10
  --by ORDER    what comes first: ${topOrders.join(', ')}; default total
  --limit N     how many to print, 1 to 100; default 20
  --kind KIND   client: statements of applications; task: what Citus sent here for them; default task on a worker, else client
  --json        print as JSON, with the text of each (with --watch: one line each time)
  --watch       print again every 2 s until interrupted`,
  run: async (context) => {
    const { values } = parseArguments(
      context.args,
      {
        minutes: { type: 'string', default: '10' },
        by: { type: 'string', default: 'total' },
        limit: { type: 'string', default: '20' },
        kind: { type: 'string' },
        json: { type: 'boolean' },
        watch: { type: 'boolean' },
      },
      { most: 0 },
    )
    const config = loadConfig(context.env, context.hostname)
    const minutes = wholeOf('--minutes', values.minutes, mostMinutes)
    const limit = wholeOf('--limit', values.limit, mostShown)
    const by = oneOf('--by', values.by, topOrders)
    const kind = oneOf('--kind', values.kind ?? (config.role === 'worker' ? 'task' : 'client'), topKinds)
    const path = `/v1/top?minutes=${minutes}&limit=${limit}&by=${by}&kind=${kind}`
    const watch = values.watch === true
    let unread: TopReport['unread'] = null
    await printAgain(context, watch, async () => {
      const report = await askSidecar<TopReport>(config, 'GET', path)
      unread = report.unread
      if (values.json === true) return `${JSON.stringify(report, undefined, watch ? undefined : 2)}\n`
      if (report.unread !== null)
        context.stderr.write(`citus-sidecar: ${report.unread.reason}; ${report.unread.action}\n`)
      return report.unread !== null && report.all.count === 0 ? '' : topTable(report)
    })
    return unread === null ? 0 : 3
  },
}

function wholeOf(option: string, given: string, most: number): number {
  const number = /^\d{1,3}$/.test(given) ? Number(given) : 0
  if (number >= 1 && number <= most) return number
  throw new SidecarError('USAGE', `${option}: "${given}" is not accepted; allowed: 1 to ${most}`)
}

function oneOf<const T extends string>(option: string, given: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === given)
  if (found !== undefined) return found
  throw new SidecarError('USAGE', `${option}: "${given}" is not accepted; allowed: ${allowed.join(', ')}`)
}

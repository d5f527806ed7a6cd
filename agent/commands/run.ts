// citus-sidecar run: the sidecar itself, until SIGTERM or SIGINT.
import { startAgent } from '../agent.ts'
import { loadConfig } from '../config.ts'
import { reportTo } from '../events.ts'
import { createLogger } from '../log.ts'
import { parseArguments } from './arguments.ts'
import type { Command } from './command.ts'

export const run: Command = {
  name: 'run',
  summary: 'run the sidecar beside a PostgreSQL (what the container does)',
  usage:
    'citus-sidecar run\n\nRuns until SIGTERM or SIGINT; neither ever drains or touches PostgreSQL. Settings: `citus-sidecar config --help`.',
  run: async (context) => {
    parseArguments(context.args, {}, { most: 0 })
    const config = loadConfig(context.env, context.hostname)
    const log = createLogger(config.logLevel, { node: config.node })
    const report = reportTo(log)
    await using agent = await startAgent(config, report, context.stop)
    await agent.done
    report('stopping')
    return 0
  },
}

// citus-sidecar run: the sidecar itself, until SIGTERM or SIGINT.
import { loadConfig, salvageConfig } from '../config.ts'
import { reportTo } from '../events.ts'
import type { Report } from '../events.ts'
import { recoverLease } from '../hold/recover.ts'
import { placeOf } from '../kubernetes/access.ts'
import { PodEvents } from '../kubernetes/pod-events.ts'
import { createLogger } from '../log.ts'
import { systemClock } from '../loop/clock.ts'
import { startTelemetry } from '../telemetry.ts'
import { parseArguments } from './arguments.ts'
import type { Command } from './command.ts'

export const run: Command = {
  name: 'run',
  summary: 'run the sidecar beside a PostgreSQL (what the container does)',
  usage:
    'citus-sidecar run\n\nRuns until SIGTERM or SIGINT; neither ever drains or touches PostgreSQL. Settings: `citus-sidecar config --help`.',
  run: async (context) => {
    parseArguments(context.args, {}, { most: 0 })
    if (context.env['CITUS_SIDECAR_ROLE'] === 'pooler') {
      // Clients may be waiting: whatever is wrong with the settings, they are let go first.
      const salvaged = salvageConfig(context.env, context.hostname)
      const log = createLogger(salvaged.logLevel, { node: salvaged.node })
      await recoverLease(salvaged, systemClock, reportTo(log), context.stop)
    }
    const config = loadConfig(context.env, context.hostname)
    const log = createLogger(config.logLevel, { node: config.node })
    const logged = reportTo(log)
    const place = placeOf(config)
    // Closed last, so that Kubernetes hears of the end too.
    await using told = place && new PodEvents({ place, node: config.node, clock: systemClock, report: logged })
    const report: Report = (name, details = {}) => {
      logged(name, details)
      told?.take(name, details)
    }
    await using telemetry = await startTelemetry(config, logged)
    // Loaded now: what loads pg before traces are on has no spans of its queries.
    const start =
      config.role === 'pooler' ? (await import('../pooler.ts')).startPooler : (await import('../agent.ts')).startAgent
    await using agent = await start(config, report, telemetry, context.stop)
    await agent.done
    report('stopping')
    return 0
  },
}

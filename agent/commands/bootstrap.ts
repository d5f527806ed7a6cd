// citus-sidecar bootstrap: prepares this node for the sidecar, as a superuser.
import { untilAccepted } from '../cluster/until-accepted.ts'
import { loadConfig } from '../config.ts'
import { askSidecar } from '../control-client.ts'
import { SidecarError } from '../errors.ts'
import { systemClock } from '../loop/clock.ts'
import { duration } from '../setting-types.ts'
import { startTelemetry } from '../telemetry.ts'
import { inSpan } from '../tracing/operation-trace.ts'
import { parseArguments } from './arguments.ts'
import type { Command } from './command.ts'

const waitType = duration(1_000, 86_400_000)

/** What --wait says, milliseconds; 0 where it is not given. @throws SidecarError USAGE */
function patienceOf(given: string | undefined): number {
  if (given === undefined) return 0
  const parsed = waitType.schema.safeParse(given)
  if (parsed.success) return parsed.data
  throw new SidecarError('USAGE', `--wait: ${JSON.stringify(given)} is not accepted; allowed: ${waitType.allowed}`)
}

export const bootstrap: Command = {
  name: 'bootstrap',
  summary: 'prepare one node: role, schema, notebook and, on the coordinator, the ledger',
  usage: `citus-sidecar bootstrap [--create] [--wait DURATION] [--json]

Logs in as CITUS_SIDECAR_BOOTSTRAP_USER and prepares the PostgreSQL of PGHOST, this node only; again and again without harm.

  --create         also create the database and the extension citus
  --wait DURATION  wait so long for a PostgreSQL that does not accept connections yet
  --json           print the steps as JSON`,
  run: async (context) => {
    const { values } = parseArguments(
      context.args,
      { create: { type: 'boolean' }, wait: { type: 'string' }, json: { type: 'boolean' } },
      { most: 0 },
    )
    const longest = patienceOf(values.wait)
    const config = loadConfig(context.env, context.hostname)
    // Its output is that of a command: what becomes of its spans is told nowhere.
    await using _telemetry = await startTelemetry(config, () => undefined)
    const { bootstrap: prepareNode } = await import('../cluster/bootstrap.ts')
    const told = { 'citus.operation.kind': 'bootstrap', 'citus.member': config.node }
    const prepare = async (): Promise<readonly string[]> =>
      await prepareNode(config, values.create === true, context.stop)
    const steps = await untilAccepted(
      async () => await inSpan('bootstrap', told, prepare),
      {
        clock: systemClock,
        longest,
        onWait: (reason) => context.stderr.write(`citus-sidecar: waits, because ${reason}\n`),
      },
      context.stop,
    )
    // A sidecar that runs here already was refused its login so far; one that does not run has nothing to be told.
    await askSidecar(config, 'POST', '/v1/look').catch(() => undefined)
    context.stdout.write(
      values.json === true ? `${JSON.stringify({ node: config.node, steps })}\n` : `${steps.join('\n')}\n`,
    )
    return 0
  },
}

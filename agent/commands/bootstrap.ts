// citus-sidecar bootstrap: prepares this node for the sidecar, as a superuser.
import { bootstrap as prepareNode } from '../cluster/bootstrap.ts'
import { loadConfig } from '../config.ts'
import { parseArguments } from './arguments.ts'
import type { Command } from './command.ts'

export const bootstrap: Command = {
  name: 'bootstrap',
  summary: 'prepare one node: role, schema, notebook and, on the coordinator, the ledger',
  usage: `citus-sidecar bootstrap [--create] [--json]

Logs in as CITUS_SIDECAR_BOOTSTRAP_USER and prepares the PostgreSQL of PGHOST, this node only; again and again without harm.

  --create  also create the database and the extension citus
  --json    print the steps as JSON`,
  run: async (context) => {
    const { values } = parseArguments(
      context.args,
      { create: { type: 'boolean' }, json: { type: 'boolean' } },
      { most: 0 },
    )
    const config = loadConfig(context.env, context.hostname)
    const steps = await prepareNode(config, values.create === true, context.stop)
    context.stdout.write(
      values.json === true ? `${JSON.stringify({ node: config.node, steps })}\n` : `${steps.join('\n')}\n`,
    )
    return 0
  },
}

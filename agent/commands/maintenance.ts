// citus-sidecar maintenance on|off: not ready and no action taken until switched off; survives restarts.
import type { Maintenance } from '../../probes/verdicts/verdict.ts'
import { loadConfig } from '../config.ts'
import { askSidecar } from '../control-client.ts'
import { SidecarError } from '../errors.ts'
import { parseArguments } from './arguments.ts'
import type { Command } from './command.ts'

export const maintenance: Command = {
  name: 'maintenance',
  summary: 'switch maintenance on or off: not ready, and nothing is done to the cluster',
  usage: `citus-sidecar maintenance on|off [--reason TEXT] [--json]

  --reason TEXT  why, shown wherever the node is not ready
  --json         print the switch as JSON`,
  run: async (context) => {
    const { values, positionals } = parseArguments(
      context.args,
      { reason: { type: 'string' }, json: { type: 'boolean' } },
      { most: 1 },
    )
    const [word] = positionals
    if (word !== 'on' && word !== 'off')
      throw new SidecarError('USAGE', `"${word ?? ''}" is no state of maintenance; allowed: on, off`)
    const config = loadConfig(context.env, context.hostname)
    const body = { on: word === 'on', ...(values.reason === undefined ? {} : { reason: values.reason }) }
    const { maintenance: now } = await askSidecar<{ maintenance: Maintenance }>(config, 'POST', '/v1/maintenance', body)
    context.stdout.write(
      values.json === true ? `${JSON.stringify(now)}\n` : `maintenance is ${now.on ? 'on' : 'off'} on ${config.node}\n`,
    )
    return 0
  },
}

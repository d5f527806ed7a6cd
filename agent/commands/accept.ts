// citus-sidecar accept: a person says that what the sidecar refuses is right.
import type { Finding } from '../cluster/findings.ts'
import { loadConfig } from '../config.ts'
import { askSidecar } from '../control-client.ts'
import { SidecarError } from '../errors.ts'
import type { StatusReport } from '../http/status-report.ts'
import { parseArguments } from './arguments.ts'
import type { Command } from './command.ts'

export const accept: Command = {
  name: 'accept',
  summary: 'accept what joining is refused for: another volume, another coordinator, a disabled or removed node',
  usage: `citus-sidecar accept [--yes] [--json]

Shows what this node's sidecar refuses and, once confirmed, forgets the identity that notebook and ledger remember.

  --yes   do not ask (needed where nobody can type)
  --json  print the outcome as JSON`,
  run: async (context) => {
    const { values } = parseArguments(
      context.args,
      { yes: { type: 'boolean' }, json: { type: 'boolean' } },
      { most: 0 },
    )
    const config = loadConfig(context.env, context.hostname)
    const { finding } = await askSidecar<StatusReport>(config, 'GET', '/v1/status')
    if (finding?.kind !== 'refuse') {
      context.stdout.write(
        values.json === true ? '{"accepted":null}\n' : 'nothing is refused: there is nothing to accept\n',
      )
      return 0
    }
    if (values.yes !== true) {
      if (context.ask === undefined)
        throw new SidecarError('USAGE', `nobody can be asked here; to accept "${finding.reason}", add --yes`)
      const answer = await context.ask(`${finding.code}: ${finding.reason}\n${finding.action}\nAccept this? Type yes: `)
      if (answer.trim() !== 'yes') {
        context.stdout.write('not accepted\n')
        return 1
      }
    }
    const { accepted } = await askSidecar<{ accepted: Finding }>(config, 'POST', '/v1/accept', { code: finding.code })
    context.stdout.write(values.json === true ? `${JSON.stringify({ accepted })}\n` : `accepted: ${accepted.reason}\n`)
    return 0
  },
}

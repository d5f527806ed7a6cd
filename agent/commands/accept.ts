// citus-sidecar accept: a person says that what the sidecar refuses is right.
import type { Finding } from '../cluster/findings.ts'
import { loadConfig } from '../config.ts'
import type { Config } from '../config.ts'
import { sleep } from '../../probes/sleep.ts'
import { askSidecar } from '../control-client.ts'
import { SidecarError } from '../errors.ts'
import type { StatusReport } from '../http/status-report.ts'
import { parseArguments } from './arguments.ts'
import type { Command } from './command.ts'

/** A sidecar that has only started needs so long to find out whether it refuses something, milliseconds; then what is known is told. */
const patience = 10_000
const pause = 250

function isOpen({ finding }: StatusReport['join']): boolean {
  return finding === 'pending' || finding === 'blind'
}

/** The status once the sidecar knows whether its node may join, or after a while. @throws SidecarError NO_SIDECAR. */
async function decided(config: Config, stop: AbortSignal): Promise<StatusReport> {
  for (const until = performance.now() + patience; ; await sleep(pause, stop)) {
    const status = await askSidecar<StatusReport>(config, 'GET', '/v1/status')
    if (status.finding?.kind === 'refuse' || !isOpen(status.join) || performance.now() > until || stop.aborted)
      return status
  }
}

export const accept: Command = {
  name: 'accept',
  summary: 'accept what joining is refused for: another volume, another coordinator, a disabled or removed node',
  usage: `citus-sidecar accept [--yes] [--json]

Shows what this node's sidecar refuses and, once confirmed, forgets the identity that notebook and ledger remember.
Waits a few seconds for a sidecar that does not know yet; fails where it knows no more then.

  --yes   do not ask (needed where nobody can type)
  --json  print the outcome as JSON`,
  run: async (context) => {
    const { values } = parseArguments(
      context.args,
      { yes: { type: 'boolean' }, json: { type: 'boolean' } },
      { most: 0 },
    )
    const config = loadConfig(context.env, context.hostname)
    const { finding, join } = await decided(config, context.stop)
    if (finding?.kind !== 'refuse') {
      // Whoever is told that there is nothing to accept goes away, and what is refused a second later stays refused.
      if (isOpen(join))
        throw new SidecarError(
          'UNDECIDED',
          `nothing is refused so far, but whether this node may join is not known yet: ${join.reason || 'it has only started'}`,
        )
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

// Watches a removal in the ledger until it has ended; a coordinator that restarts meanwhile is waited for.
import { setTimeout as sleep } from 'node:timers/promises'
import type { CoordinatorLocator } from '../cluster/coordinator.ts'
import type { Config } from '../config.ts'
import { reasonOf } from '../errors.ts'
import type { ExitCode } from '../errors.ts'
import { Session } from '../pg/session.ts'
import { isRetryable } from '../cluster/operation.ts'
import { readRemoval } from '../removal/removal-ledger.ts'
import type { Removal } from '../removal/removal-ledger.ts'
import type { CommandContext } from './command.ts'
import { RemovalProgress } from './removal-progress.ts'

export interface Watched {
  readonly context: CommandContext
  readonly config: Config
  readonly locator: CoordinatorLocator
  readonly id: string
  readonly wanted: 'succeeded' | 'cancelled'
  readonly json: boolean
}

/** How often it is looked at, milliseconds. */
const lookEvery = 500
/** How long a coordinator may be away, milliseconds. */
const patience = 600_000

/** Shows the removal until it has ended. @throws what the coordinator last said when it stays away. */
export async function watchRemoval({ context, config, locator, id, wanted, json }: Watched): Promise<ExitCode> {
  const { stop, stdout, stderr } = context
  await using session = new Session(config, {
    target: async (signal) => await locator.target('remove-command', signal),
  })
  const sql = session.sql({ timeout: config.statementTimeout, signal: stop })
  const progress = json ? undefined : new RemovalProgress(stdout)
  let answeredAt = performance.now()
  let last: Removal | undefined
  while (!stop.aborted && (last?.outcome ?? null) === null) {
    try {
      last = await readRemoval(sql, id)
      if (last === undefined) throw new Error(`the ledger does not know removal ${id}`)
      answeredAt = performance.now()
      progress?.show(last)
    } catch (error) {
      if (stop.aborted) break
      if (!isRetryable(error) || performance.now() - answeredAt > patience) throw error
      locator.forget()
      progress?.away(reasonOf(error))
    }
    if ((last?.outcome ?? null) === null) await sleep(lookEvery, undefined, { signal: stop }).catch(() => undefined)
  }
  progress?.finish()
  if (last === undefined || last.outcome === null) {
    stderr.write(
      'citus-sidecar: the removal goes on; `citus-sidecar remove` shows it again, with --cancel it is taken back\n',
    )
    return 1
  }
  if (json) stdout.write(`${JSON.stringify(last)}\n`)
  else say(last, context)
  if (last.outcome === wanted) return 0
  return last.outcome === 'refused' ? 3 : 1
}

function say({ member, outcome, reason }: Removal, { stdout, stderr }: CommandContext): void {
  const why = reason === '' ? '' : `: ${reason}`
  if (outcome === 'succeeded') stdout.write(`${member} is removed${why}; replicas may be lowered\n`)
  else if (outcome === 'cancelled') stdout.write(`cancelled${why}\n`)
  else stderr.write(outcome === 'refused' ? `${reason}\n` : `citus-sidecar: the removal of ${member} failed${why}\n`)
}

// Commands that Citus sent for a statement of which no end was logged, being too fast for that: they stand in the log before the next one
// that is, and are none of its own.
import type { RemoteCommand, Statement } from './statement.ts'

/** Whether a command was issued before its statement began; times of the log are whole milliseconds, cut off. */
export function isStray(
  { startedAt, startEstimated }: Pick<Statement, 'startedAt' | 'startEstimated'>,
  { issuedAt }: Pick<RemoteCommand, 'issuedAt'>,
): boolean {
  return !startEstimated && issuedAt + 1 < startedAt
}

/** The commands of a statement that are its own. */
export function ownCommands(statement: Statement): readonly RemoteCommand[] {
  return statement.commands.filter((command) => !isStray(statement, command))
}

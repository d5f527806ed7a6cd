// Statements that ended in a minute that is known, and shapes by name, for tests of what is counted.
import type { RemoteCommand, Shape, Statement } from '../../exporters/statements/statement.ts'
import { statement } from './statements.ts'

/** The end of a statement that says nothing else, milliseconds since 1970: on a minute, so that tests can count them. */
export const ended = Date.UTC(2026, 10, 26, 10)

/** A statement of a client that took `ms` milliseconds, but for what is changed. */
export function statementOf(ms: number, changes: Partial<Statement> = {}): Statement {
  const endedAt = changes.endedAt ?? ended
  return statement({ startedAt: endedAt - ms, endedAt, ...changes })
}

/** A command that went to a node, or ran here where none is named. */
export function commandTo(server: string | undefined): RemoteCommand {
  return { text: 'select', issuedAt: ended, endedAt: ended, server, connection: undefined, place: undefined }
}

export function shapeOf(id: string, shards: readonly string[] = []): Shape {
  return { id, summary: `SELECT ${id}`, text: `select * from ${id} where a = ?`, shards }
}

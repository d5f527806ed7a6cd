// Statements as the log tells them, for tests of what is made of them.
import type { RemoteCommand, Shape, Statement } from '../../exporters/statements/statement.ts'

/** The end of a statement that says nothing else, milliseconds since 1970: on a minute, so that tests can count them. */
export const ended = Date.UTC(2026, 10, 26, 10)

/** A statement of a client that took `ms` milliseconds, but for what is changed. */
export function statementOf(ms: number, changes: Partial<Statement> = {}): Statement {
  const endedAt = changes.endedAt ?? ended
  return {
    kind: 'client',
    record: {
      pid: 100,
      session: '6565.64',
      line: 1,
      sessionStart: ended - 60_000,
      user: 'app',
      database: 'app',
      application: 'shop',
    },
    gpid: undefined,
    text: 'select 1',
    queryId: undefined,
    prepared: false,
    startedAt: endedAt - ms,
    endedAt,
    startEstimated: false,
    parseMs: undefined,
    bindMs: undefined,
    failed: undefined,
    context: undefined,
    commands: [],
    place: undefined,
    plan: undefined,
    ...changes,
  }
}

/** A command that went to a node, or ran here where none is named. */
export function commandTo(server: string | undefined): RemoteCommand {
  return { text: 'select', issuedAt: ended, endedAt: ended, server, connection: undefined, place: undefined }
}

export function shapeOf(id: string, shards: readonly string[] = []): Shape {
  return { id, summary: `SELECT ${id}`, text: `select * from ${id} where a = ?`, shards }
}

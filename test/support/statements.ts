// Statements by hand, for tests of what is made of them.
import type { RemoteCommand, Statement } from '../../exporters/statements/statement.ts'

const record = { pid: 77, session: 's', line: 1, sessionStart: 0, user: 'u', database: 'd', application: 'a' }

/** A client's statement that lasted from 1,000,000 to 1,000,100. */
export function statementOf(changes: Partial<Statement> = {}): Statement {
  return {
    kind: 'client',
    record,
    gpid: undefined,
    text: 'select',
    queryId: undefined,
    prepared: false,
    startedAt: 1_000_000,
    endedAt: 1_000_100,
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

/** A task of it, from 1,000,010 to 1,000,090. */
export function taskOf(changes: Partial<Statement> = {}): Statement {
  const times = { startedAt: 1_000_010, endedAt: 1_000_090 }
  return statementOf({ kind: 'task', gpid: '10000000077', text: 'task', ...times, ...changes })
}

/** The command that sent it. */
export function commandOf(changes: Partial<RemoteCommand> = {}): RemoteCommand {
  const sent = { server: 'worker-1:5432', connection: '1', place: undefined }
  return { text: 'task', issuedAt: 1_000_005, endedAt: 1_000_095, ...sent, ...changes }
}

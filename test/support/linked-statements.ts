// A statement, the command for another node that it sent, and the task that this became there, for tests of links.
import type { RemoteCommand, Statement } from '../../exporters/statements/statement.ts'
import { statement } from './statements.ts'

/** A client's statement that lasted from 1,000,000 to 1,000,100. */
export function statementOf(changes: Partial<Statement> = {}): Statement {
  const { record } = statement()
  const backend = { ...record, pid: 77 }
  const times = { startedAt: 1_000_000, endedAt: 1_000_100 }
  return statement({ record: backend, text: 'select', queryId: undefined, ...times, ...changes })
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

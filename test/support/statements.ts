// Statements and shapes by hand, for tests of what is made of them.
import type { Shape, Statement } from '../../exporters/statements/statement.ts'

/** A moment of the log, milliseconds since 1970. */
export const noon = Date.UTC(2026, 0, 1, 12)

/** A client's statement that took 10 ms and ended at noon, but for what is changed. */
export function statement(change: Partial<Statement> = {}): Statement {
  return {
    kind: 'client',
    record: {
      pid: 41,
      session: '65a.29',
      line: 7,
      sessionStart: noon - 60_000,
      user: 'app',
      database: 'shop',
      application: 'psql',
    },
    gpid: undefined,
    text: "select * from orders where id = 'secret'",
    queryId: '-8641147011481183662',
    prepared: false,
    startedAt: noon - 10,
    endedAt: noon,
    startEstimated: false,
    parseMs: undefined,
    bindMs: undefined,
    failed: undefined,
    context: undefined,
    commands: [],
    place: undefined,
    plan: undefined,
    ...change,
  }
}

/** Of that statement. */
export const shape: Shape = {
  id: 'a1b2',
  summary: 'SELECT orders',
  text: 'select * from orders where id = ?',
  shards: [],
}

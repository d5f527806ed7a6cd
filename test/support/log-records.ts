// Records of a log as tests write them down: one session, one line after the other, and what the assembler makes of them.
import { Assembler } from '../../exporters/statements/assembler.ts'
import type { AssemblerOptions } from '../../exporters/statements/assembler.ts'
import type { LogRecord, Statement } from '../../exporters/statements/statement.ts'

/** What a line says, and what differs from an ordinary one; `at` is milliseconds since the begin. */
export type Line = Partial<LogRecord> & { readonly message: string }

/** When these sessions began, milliseconds since 1970. */
export const begin = Date.UTC(2026, 0, 1)

/** Lines as records, a millisecond apart unless told. */
export function records(lines: readonly Line[]): readonly LogRecord[] {
  return lines.map((line, index) => ({
    pid: 1,
    session: 'a',
    line: index + 1,
    sessionStart: begin,
    user: 'app',
    database: 'app',
    application: 'shop',
    backendType: 'client backend',
    severity: 'LOG',
    code: undefined,
    detail: undefined,
    statement: undefined,
    queryId: undefined,
    cut: false,
    ...line,
    at: begin + (line.at ?? index),
  }))
}

/** The statements that these lines tell of, to the end. */
export function statements(lines: readonly Line[], options: AssemblerOptions = {}): readonly Statement[] {
  const assembler = new Assembler(options)
  return [...records(lines).flatMap((record) => assembler.push(record)), ...assembler.flush(Infinity)]
}

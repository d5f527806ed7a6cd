// The jsonlog of real servers, read whole: records of a session, as the assembler gets them, without the reader that the product has.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Assembler } from '../../exporters/statements/assembler.ts'
import type { AssemblerLosses } from '../../exporters/statements/assembler.ts'
import type { LogRecord, Statement } from '../../exporters/statements/statement.ts'

/** Settings of a server that logs every statement as JSON. */
export const logging: Readonly<Record<string, string>> = {
  logging_collector: 'on',
  log_destination: 'jsonlog',
  log_directory: 'log',
  log_min_duration_statement: '0',
  log_parameter_max_length: '0',
  log_parameter_max_length_on_error: '0',
  log_error_verbosity: 'default',
  compute_query_id: 'on',
}

/** The lines that a server has logged so far. */
export function logLines(dataDir: string): readonly string[] {
  const files = globSync(join(dataDir, 'log', '*.json')).toSorted()
  return files.flatMap((file) => readFileSync(file, 'utf8').split('\n').filter(Boolean))
}

/** A line as a record; numbers of 64 bits stay as they were written. */
export function recordOf(line: string): LogRecord {
  const fields = JSON.parse(line, (_key, value: unknown, { source }: { source?: string } = {}) =>
    typeof value === 'number' ? source : value,
  ) as Record<string, string | undefined>
  const time = (text: string | undefined): number => Date.parse((text ?? '').replace(' UTC', 'Z').replace(' ', 'T'))
  return {
    at: time(fields['timestamp']),
    pid: Number(fields['pid']),
    session: fields['session_id'] ?? '',
    line: Number(fields['line_num']),
    sessionStart: time(fields['session_start']),
    user: fields['user'],
    database: fields['dbname'],
    application: fields['application_name'] ?? '',
    backendType: fields['backend_type'] ?? '',
    severity: fields['error_severity'] ?? '',
    code: fields['state_code'],
    message: fields['message'] ?? '',
    detail: fields['detail'],
    statement: fields['statement'],
    queryId: fields['query_id'],
    cut: false,
  }
}

/** What a server's lines tell of, and what was lost. */
export function assembled(lines: readonly string[]): {
  readonly statements: readonly Statement[]
  readonly losses: AssemblerLosses
} {
  const assembler = new Assembler()
  const statements = lines.flatMap((line) => assembler.push(recordOf(line)))
  return { statements: [...statements, ...assembler.flush(Infinity)], losses: assembler.losses }
}

/** The file with a recorded log. */
export function goldenLog(name: string): URL {
  return new URL(`../golden/jsonlog/${name}.jsonl`, import.meta.url)
}

/** The lines of a recorded log. */
export function goldenLines(name: string): readonly string[] {
  return readFileSync(goldenLog(name), 'utf8').split('\n').filter(Boolean)
}

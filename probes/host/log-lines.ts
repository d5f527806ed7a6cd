// One line of PostgreSQL's log -> what is counted of it, for each of the formats it is written in. A line may be cut off at its end.

/** What is counted of a line that begins a message. */
export interface LogLine {
  readonly severity: string
  /** SQLSTATE; undefined in the format that does not have it. */
  readonly code: string | undefined
  /** The message, and in the format that has no fields everything behind the severity. */
  readonly message: string
}

/** From the formats that tell most to the one that tells least; a server that writes several writes each message into each. */
export const formats = ['json', 'csv', 'log'] as const
export type LogFormat = (typeof formats)[number]

/** Without translations (lc_messages); what is none of these is told as `other`. */
const known: ReadonlySet<string> = new Set(['LOG', 'WARNING', 'ERROR', 'FATAL', 'PANIC', 'NOTICE', 'INFO', 'DEBUG'])

function severityOf(word: string): string {
  const plain = word.replace(/^DEBUG[1-5]$/, 'DEBUG')
  return known.has(plain) ? plain : 'other'
}

// Within a string of JSON a quote is written as \", so that nobody can make a key out of a value.
const json = {
  severity: /[{,]"error_severity":"([^"\\]+)"/,
  code: /[{,]"state_code":"([0-9A-Z]{5})"/,
  message: /[{,]"message":"((?:[^"\\]|\\.)*)/,
}

/** https://www.postgresql.org/docs/current/runtime-config-logging.html#RUNTIME-CONFIG-LOGGING-JSONLOG */
function jsonLine(line: string): LogLine | undefined {
  const severity = json.severity.exec(line)?.[1]
  if (severity === undefined) return undefined
  return {
    severity: severityOf(severity),
    code: json.code.exec(line)?.[1],
    message: json.message.exec(line)?.[1] ?? '',
  }
}

/** The eleventh column is the severity, and before it only what has no line breaks: one line is enough of a record. */
const csv = /^\d{4}-\d\d-\d\d [^,"]*(?:,(?:"(?:[^"]|"")*"|[^,"]*)){10},([^,"]+),([0-9A-Z]{5}),"?((?:[^"]|"")*)/

/** https://www.postgresql.org/docs/current/runtime-config-logging.html#RUNTIME-CONFIG-LOGGING-CSVLOG */
function csvLine(line: string): LogLine | undefined {
  const [, severity, code, message = ''] = csv.exec(line) ?? []
  return severity === undefined ? undefined : { severity: severityOf(severity), code, message }
}

/** The first word of this form comes behind any log_line_prefix; what continues a message begins with a tab. */
const stderr = /^[^\t]*?\b([A-Z]+[1-5]?): {2}(.*)/

/** Lines such as DETAIL and STATEMENT belong to the message before them. */
function stderrLine(line: string): LogLine | undefined {
  const [, word = '', message = ''] = stderr.exec(line) ?? []
  const severity = severityOf(word)
  return severity === 'other' ? undefined : { severity, code: undefined, message }
}

/** How a line of each format is read; undefined for a line that begins no message. */
export const readLine: Readonly<Record<LogFormat, (line: string) => LogLine | undefined>> = {
  json: jsonLine,
  csv: csvLine,
  log: stderrLine,
}

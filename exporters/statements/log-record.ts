// One line of jsonlog -> what it says, exactly, or why it cannot be understood.
import type { CutLine, WrittenLine } from '../../probes/host/log-tail.ts'
import type { LogRecord } from './statement.ts'

/** Why a line is no record: no JSON; without what every line has; of a time that nobody can tell from what is written. */
export type Refusal = 'not-json' | 'incomplete' | 'unknown-time'

// Within a string of JSON a quote is written as \", so that no value can look like a key.
const queryIdKey = ',"query_id":'
/** Digits of a number of 64 bits with its sign. */
const mostDigits = 20
const key = /,"[a-z_]+":/
/** A key, characters, and longer than an escape: what may be half where a line was cut. */
const longestHalf = 24
// With a zone that has no letters, strftime writes its offset from UTC: https://data.iana.org/time-zones/theory.html#abbreviations
const time = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d{3})?) (?:UTC|GMT|([+-]\d\d)(\d\d)?)$/

/** Milliseconds since 1970; NaN for a zone that is told by letters, which mean one thing here and another there. */
function instant(written: unknown): number {
  const [, day, clock, hours, minutes = '00'] = typeof written === 'string' ? (time.exec(written) ?? []) : []
  return day === undefined
    ? Number.NaN
    : Date.parse(`${day}T${clock}${hours === undefined ? 'Z' : `${hours}:${minutes}`}`)
}

/** A number of 64 bits as it is written, because JSON.parse rounds it; undefined where the server made none. */
function queryIdOf(line: string): string | undefined {
  const found = line.lastIndexOf(queryIdKey)
  if (found === -1) return undefined
  const begin = found + queryIdKey.length
  const digits = /^-?\d+/.exec(line.slice(begin, begin + mostDigits))?.[0] ?? '0'
  // Made anew, for a piece of a text keeps the whole of it in memory.
  return digits === '0' ? undefined : BigInt(digits).toString()
}

interface Parsed {
  readonly line: string
  readonly fields: unknown
}

function parsed(line: string): Parsed | undefined {
  try {
    return { line, fields: JSON.parse(line) }
  } catch {
    return undefined
  }
}

/** A line with less text in it: its beginning, and the fields that are whole in its end. */
function mended({ head, tail }: CutLine): Parsed | undefined {
  const end = tail.slice(tail.search(key))
  // Cut in a text or between two, and perhaps in an escape or a key. A wrong guess is no JSON, for a key never follows a quote.
  for (let half = 0; half <= longestHalf; half += 1) {
    const begin = head.slice(0, head.length - half)
    const read = parsed(`${begin}"${end}`) ?? parsed(begin + end)
    if (read !== undefined) return read
  }
  return undefined
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const whole = (value: unknown): value is number => Number.isSafeInteger(value)

/** What a line says: https://www.postgresql.org/docs/current/runtime-config-logging.html#RUNTIME-CONFIG-LOGGING-JSONLOG */
export function readRecord(written: WrittenLine): LogRecord | Refusal {
  const read = typeof written === 'string' ? parsed(written) : mended(written)
  if (typeof read?.fields !== 'object' || read.fields === null) return 'not-json'
  const fields = read.fields as Readonly<Record<string, unknown>>
  const { pid, line_num: line } = fields
  const session = text(fields['session_id'])
  const severity = text(fields['error_severity'])
  const message = text(fields['message'])
  const backendType = text(fields['backend_type'])
  if (!whole(pid) || !whole(line)) return 'incomplete'
  if (session === undefined || severity === undefined || message === undefined || backendType === undefined)
    return 'incomplete'
  const at = instant(fields['timestamp'])
  const sessionStart = instant(fields['session_start'])
  if (Number.isNaN(at) || Number.isNaN(sessionStart)) return 'unknown-time'
  return {
    at,
    pid,
    session,
    line,
    sessionStart,
    user: text(fields['user']),
    database: text(fields['dbname']),
    application: text(fields['application_name']) ?? '',
    backendType,
    severity,
    code: text(fields['state_code']),
    message,
    detail: text(fields['detail']),
    statement: text(fields['statement']),
    queryId: queryIdOf(read.line),
    cut: typeof written !== 'string',
  }
}

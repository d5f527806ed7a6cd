// A message of the server's log -> what it says of a statement. Messages must be in English: lc_messages = 'C'.

/** https://www.postgresql.org/docs/current/runtime-config-logging.html#GUC-LOG-MIN-DURATION-STATEMENT */
export interface DurationLine {
  /** `text`: what is about to run, said by log_statement; `plain`: a duration whose text was said before. */
  readonly part: 'statement' | 'parse' | 'bind' | 'execute' | 'fetch' | 'plan' | 'plain' | 'text'
  /** Milliseconds, exact to the microsecond. */
  readonly ms: number
  /** The text of the statement, or the plan. */
  readonly text: string
  /** Whether it is a named prepared statement. */
  readonly named: boolean
}

const duration = 'duration: '
const statement = 'statement: '
const fetching = 'fetch from '

/** What the message says; undefined for one of something else. */
export function durationLine(message: string): DurationLine | undefined {
  if (!message.startsWith(duration)) {
    if (message.startsWith(statement))
      return { part: 'text', ms: 0, text: message.slice(statement.length), named: false }
    const said = message.startsWith('execute ') ? step(message, 0, 0) : undefined
    return said && { ...said, part: 'text' }
  }
  const end = message.indexOf(' ms', duration.length)
  // As PostgreSQL writes it and no other way, for anybody may raise a line of the log that says something like it.
  const written = end < 0 ? '' : message.slice(duration.length, Math.min(end, duration.length + 20))
  if (!/^\d{1,12}\.\d{3}$/.test(written)) return undefined
  const ms = Number(written)
  const begin = end + 5
  if (message.length < begin) return { part: 'plain', ms, text: '', named: false }
  if (message.startsWith(statement, begin))
    return { part: 'statement', ms, text: message.slice(begin + statement.length), named: false }
  if (message.startsWith('plan:\n', begin)) return { part: 'plan', ms, text: message.slice(begin + 6), named: false }
  return step(message, begin, ms)
}

/** `bind name: text`, `execute fetch from name/portal: text`: one step of the extended protocol. */
function step(message: string, begin: number, ms: number): DurationLine | undefined {
  const space = message.indexOf(' ', begin)
  const verb = message.slice(begin, space)
  const colon = message.indexOf(': ', space)
  if (colon < 0 || (verb !== 'parse' && verb !== 'bind' && verb !== 'execute')) return undefined
  const isFetch = message.startsWith(fetching, space + 1)
  const name = space + 1 + (isFetch ? fetching.length : 0)
  return {
    part: isFetch ? 'fetch' : verb,
    ms,
    text: message.slice(colon + 2),
    named: !message.startsWith('<unnamed>', name),
  }
}

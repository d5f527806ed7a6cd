// A statement of our own -> what it does to what, without any value: the name of its span.
// https://opentelemetry.io/docs/specs/semconv/db/database-spans/#generating-a-summary-of-the-query

/** What OpenTelemetry allows for a summary, characters. */
const longest = 255
/** Objects named in a summary. */
const mostObjects = 3

// Comments, strings of every kind, quoted identifiers (kept), words, and single other characters.
const token =
  /--[^\n]*|\/\*[\s\S]*?\*\/|(?:\b[ebxnu]&?)?'(?:[^']|'')*'|\$(\w*)\$[\s\S]*?\$\1\$|"(?:[^"]|"")*"|[\w$.]+|\S/giu
const name = /^(?:[a-z_][\w$]*\.)*[a-z_][\w$]*$/i
/** After these comes the name of what a statement works on. */
const before = new Set(['FROM', 'JOIN', 'INTO', 'UPDATE', 'TABLE', 'ROLE', 'DATABASE', 'EXTENSION'])
/** Functions and words that say nothing of what is worked on. */
const dull = /^(?:pg_catalog\.|ONLY$|LATERAL$|IF$|NOT$|EXISTS$|SELECT$|VALUES$)/i

/** `SELECT citus_sidecar.members`; the name of a function where a statement does nothing but call it. */
export function querySummary(text: string): string {
  const tokens = text.match(token)?.filter((one) => !/^(?:--|\/\*|[ebxnu]?&?'|\$)/i.test(one)) ?? []
  const operation = (tokens[0] ?? '').toUpperCase()
  if (!/^[A-Z]+$/.test(operation)) return 'SQL'
  const common = new Set(tokens.filter((_, at) => tokens[at + 1]?.toUpperCase() === 'AS' && tokens[at + 2] === '('))
  const after = tokens.flatMap((one, at) => {
    const next = tokens[at + 1] ?? ''
    const isObject = before.has(one.toUpperCase()) && name.test(next) && !dull.test(next) && !common.has(next)
    return isObject ? [next] : []
  })
  const called = tokens.flatMap((one, at) =>
    name.test(one) && one.includes('.') && tokens[at + 1] === '(' && !dull.test(one) ? [one] : [],
  )
  const objects = [...new Set([...after, ...called])].slice(0, mostObjects)
  return [operation, ...objects].join(' ').slice(0, longest)
}

// Whose statement it is: the trace context that an application sent with it.
import { sqlTokens } from './sql-tokens.ts'
import type { Statement, TraceContext } from './statement.ts'
import { parseTraceparent } from './traceparent.ts'

/** What is known of a statement when its caller is asked for. */
export interface Called extends Pick<Statement, 'text' | 'prepared'> {
  readonly application: string
  /** What the setting for it holds in the session. */
  readonly setting: TraceContext | undefined
}

/** The context of a statement's caller: by comment, else by application_name, else by the setting; of two malformed ones the third is asked. */
export function callerOf({ text, prepared, application, setting }: Called): Statement['context'] {
  // The comment of a named prepared statement is that of whoever prepared it.
  const comment = prepared ? undefined : commented(text)
  if (comment !== undefined) return { ...comment, source: 'comment' }
  const named = application.length >= 55 ? parseTraceparent(application) : undefined
  if (named !== undefined) return { ...named, source: 'application_name' }
  return setting === undefined ? undefined : { ...setting, source: 'guc' }
}

/** https://google.github.io/sqlcommenter/spec/: keys and values are URL-encoded, values are in quotes. */
const pair = /(?:^|[\s,*])traceparent\s*=\s*(?:'([^']*)'|"([^"]*)")/g

/** The first context that stands in a comment; one in a string or in a quoted name is none. */
function commented(text: string): TraceContext | undefined {
  if (!text.includes('traceparent')) return undefined
  let found: TraceContext | undefined
  sqlTokens(text, {
    onComment: (comment) => {
      if (found !== undefined || !comment.startsWith('/*')) return
      for (const [, single, double] of comment.matchAll(pair))
        found ??= parseTraceparent(decoded(single ?? double ?? ''))
    },
  })
  return found
}

function decoded(value: string): string | undefined {
  try {
    return decodeURIComponent(value)
  } catch {
    return undefined
  }
}

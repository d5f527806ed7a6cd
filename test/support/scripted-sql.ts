// A server that answers from a script: which statement gets which rows, or which error; everything asked is kept.
import type { ProbeContext } from '../../probes/probe.ts'
import type { Sql } from '../../probes/sql.ts'

/** One line of the script: the first whose pattern fits a statement answers it, every time. */
export interface Line {
  readonly when: RegExp
  readonly rows?: readonly object[]
  readonly fails?: Error
}

export interface Asked {
  readonly text: string
  readonly values: readonly unknown[]
}

/** The error a server reports: a message with its SQLSTATE. */
export function serverError(code: string, message: string, more: object = {}): Error {
  return Object.assign(new Error(message), { code, ...more })
}

/** SQL answered from a script; a statement that no line fits gets no row. */
export function scriptedSql(...script: readonly Line[]): Sql & { readonly asked: readonly Asked[] } {
  const asked: Asked[] = []
  return {
    asked,
    query: async <Row extends object>(text: string, values: readonly unknown[] = []) => {
      asked.push({ text, values })
      const line = script.find(({ when }) => when.test(text))
      if (line?.fails !== undefined) throw line.fails
      return await Promise.resolve((line?.rows ?? []) as readonly Row[])
    },
  }
}

/** What a probe gets to run with; its clock moves one millisecond at each look. */
export function probeContext(sql: Sql, dial: ProbeContext['dial'] = async () => await Promise.resolve()): ProbeContext {
  let elapsed = 0
  return {
    sql,
    dial,
    elsewhere: async () => await Promise.resolve([]),
    elapsed: () => (elapsed += 1),
    facts: { role: 'worker', inRecovery: false },
  }
}

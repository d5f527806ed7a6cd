// pino to standard output: JSON lines, constant messages, detail in fields, secrets redacted by path.
import { pino } from 'pino'
import type { Logger as PinoLogger } from 'pino'
import { spanFields } from './tracing/told.ts'

export type Logger = PinoLogger

/** The process's logger; `level` is the least severe line written. */
export function createLogger(level: string, bindings: Readonly<Record<string, string>>): Logger {
  return pino({
    level,
    base: bindings,
    messageKey: 'message',
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    mixin: spanFields,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: ['password', '*.password', 'authorization', '*.authorization'], censor: '[hidden]' },
  })
}

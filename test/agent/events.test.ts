// Events as log lines: level and sentence from the table, details as fields beside them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { events, reportTo } from '../../agent/events.ts'
import type { EventName } from '../../agent/events.ts'
import type { Logger } from '../../agent/log.ts'

interface Line {
  readonly level: string
  readonly fields: unknown
  readonly message: string
}

function recorded(): { log: Logger; lines: Line[] } {
  const lines: Line[] = []
  const at = (level: string) => (fields: unknown, message: string) => void lines.push({ level, fields, message })
  return { lines, log: { info: at('info'), warn: at('warn'), error: at('error') } as unknown as Logger }
}

test('every event is one line at its level with its name and its sentence', () => {
  const { log, lines } = recorded()
  const report = reportTo(log)
  for (const name of Object.keys(events) as EventName[]) report(name, { detail: 1 })
  assert.deepEqual(
    lines,
    Object.entries(events).map(([event, { level, message }]) => ({ level, fields: { event, detail: 1 }, message })),
  )
})

test('an event needs no details', () => {
  const { log, lines } = recorded()
  reportTo(log)('stopping')
  assert.deepEqual(lines[0]?.fields, { event: 'stopping' })
})

// The statements of the last minutes as a table for people, in a hundred columns.
import type { ShapeNumbers, TopReport } from '../../exporters/statements/top-report.ts'

const width = 100
const heads = ['TOTAL', 'PART', 'COUNT', 'MEAN', 'P95', 'MAX', 'ERRORS', 'DIST', 'TASKS'] as const
const widths = [8, 6, 8, 8, 8, 8, 7, 6, 6] as const
const indent = ' '.repeat(4)

const said = {
  client: 'statements of clients',
  task: 'tasks of distributed statements',
  total: 'total time',
  mean: 'mean time',
  p95: '95th percentile',
  count: 'how many there were',
  errors: 'how many failed',
} as const

/** Three digits of it, in the unit that makes them readable. */
export function timeText(ms: number | null): string {
  if (ms === null) return '-'
  const digits = (value: number): string => String(Number(value.toPrecision(3)))
  if (ms < 1) return `${digits(ms * 1_000)} us`
  if (ms < 1_000) return `${digits(ms)} ms`
  return ms < 1_000_000 ? `${digits(ms / 1_000)} s` : `${digits(ms / 60_000)} min`
}

function partText(part: number, whole: number): string {
  return whole === 0 || part === 0 ? '-' : `${Math.round((100 * part) / whole)}%`
}

function line(cells: readonly string[], last: string): string {
  const text = cells.map((cell, at) => cell.padStart(widths[at] ?? 0)).join('')
  return cut(`${text}  ${last}`)
}

function cut(text: string): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`
}

function rowOf(numbers: ShapeNumbers, totalMs: number): readonly string[] {
  const { count, errors, distributed, tasks } = numbers
  return [
    timeText(numbers.totalMs),
    partText(numbers.totalMs, totalMs),
    String(count),
    timeText(numbers.meanMs),
    timeText(numbers.p95Ms),
    timeText(numbers.maxMs),
    errors === 0 ? '-' : String(errors),
    partText(distributed, count),
    tasks === 0 ? '-' : String(Number((tasks / count).toPrecision(3))),
  ]
}

/** `failed: 23505 (10), 40P01 (2)`; nothing where there is nothing to tell. */
function countsLine(what: string, counts: Readonly<Record<string, number>>): readonly string[] {
  const told = Object.entries(counts).toSorted(([, a], [, b]) => b - a)
  if (told.length === 0) return []
  return [cut(`${indent}${what}: ${told.map(([word, times]) => `${word} (${times})`).join(', ')}`)]
}

/** The table, with what it is of and how much of the log it knows. */
export function topTable({ node, kind, by, from, to, shapes, other, all, log }: TopReport): string {
  const minutes = ((to - from) / 60_000).toFixed(1)
  const times = [from, to].map((at) => new Date(at).toISOString().slice(11, 19)).join(' to ')
  const row = (numbers: ShapeNumbers, name: string): string => line(rowOf(numbers, all.totalMs), name)
  return [
    `${said[kind]} of ${node} by ${said[by]}, ${times} UTC (${minutes} min)`,
    line(heads, kind === 'task' ? 'TASK' : 'STATEMENT'),
    ...shapes.flatMap((shape) => [
      row(shape, shape.summary),
      ...countsLine('failed', shape.codes),
      ...countsLine('shards', shape.shards),
    ]),
    ...(other.count === 0 ? [] : [row(other, 'other')]),
    row(all, 'all'),
    `log: ${log.lines} lines read, ${log.malformed} not understood, ${log.skippedBytes} bytes passed over`,
    '',
  ].join('\n')
}

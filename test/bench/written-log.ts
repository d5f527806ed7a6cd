// Writes a jsonlog as a busy server does: so many lines a second, evenly, in a process of its own, so that it takes nothing of the reader's time.
import { spawn } from 'node:child_process'
import { closeSync, openSync, writeSync } from 'node:fs'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface WrittenLog {
  /** Where it is written to; it exists. */
  readonly path: string
  readonly linesPerSecond: number
  readonly seconds: number
}

/** Between two writes, milliseconds. */
const beat = 10
const sessions = 50

const steps = ['parse <unnamed>', 'bind <unnamed>', 'execute <unnamed>'] as const

/** A line as a Citus worker logs it, about 520 bytes; three, one after the other in their session, are a task with a literal of its own. */
export function statementLine(number: number, at: Date): string {
  const time = at.toISOString().replace('T', ' ').replace('Z', ' UTC')
  const [task, step] = [Math.floor(number / steps.length), steps[number % steps.length]]
  const session = task % sessions
  const text = `SELECT id, customer_id, note FROM public.orders_${102_008 + (task % 32)} orders WHERE (customer_id OPERATOR(pg_catalog.=) ${task}) ORDER BY id LIMIT 10`
  const line = Math.floor(task / sessions) * steps.length + (number % steps.length) + 1
  return `{"timestamp":"${time}","user":"app","dbname":"shop","pid":${4_000 + session},"remote_host":"10.0.0.7","remote_port":${40_000 + session},"session_id":"6926a1.${(4_000 + session).toString(16)}","line_num":${line},"ps":"SELECT","session_start":"2026-11-26 15:59:00 UTC","vxid":"3/${task}","txid":0,"error_severity":"LOG","state_code":"00000","message":"duration: 0.${100 + (task % 900)} ms  ${step}: ${text}","application_name":"citus_internal gpid=1000000${4_000 + session}","backend_type":"client backend","query_id":-789123456789012${1_000 + (task % 1_000)}}\n`
}

/** Writes all of it and returns when that is done. @throws Error when the process that writes fails. */
export async function writeLog(log: WrittenLog): Promise<void> {
  const writer = spawn(process.execPath, [fileURLToPath(import.meta.url), JSON.stringify(log)], { stdio: 'inherit' })
  const [code] = (await once(writer, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`the log's writer ended with ${code}`)
}

function writeNow({ path, linesPerSecond, seconds }: WrittenLog): void {
  const file = openSync(path, 'a')
  const began = performance.now()
  let written = 0
  const timer = setInterval(() => {
    const due = Math.min(seconds * linesPerSecond, Math.floor(((performance.now() - began) / 1_000) * linesPerSecond))
    let text = ''
    for (const now = new Date(); written < due; written += 1) text += statementLine(written, now)
    writeSync(file, text)
    if (written < seconds * linesPerSecond) return
    clearInterval(timer)
    closeSync(file)
  }, beat)
}

const [script, job] = process.argv.slice(1)
if (script === fileURLToPath(import.meta.url) && job !== undefined) writeNow(JSON.parse(job) as WrittenLog)

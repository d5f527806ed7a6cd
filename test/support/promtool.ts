// What promtool says of metrics: names, types and help as Prometheus wants them (https://prometheus.io/docs/practices/naming/).
import { execFile } from 'node:child_process'
import { findProgram } from '../../deploy/local/find-program.ts'

const program = findProgram('promtool')

/** Why there is none; false where there is. */
export const withoutPromtool: string | false = program === undefined ? 'the program promtool is not installed' : false

/** Lines of a page that are not ours to name: PostgreSQL's are postgres_exporter's, those of the process prom-client's. */
const ofOthers = /^(?:# (?:HELP|TYPE) )?(?:pg_|process_|nodejs_).*\n/gm

/** What it has against a page in text format, a line each. */
export async function complaintsOf(page: string): Promise<readonly string[]> {
  return await new Promise((resolve, reject) => {
    const child = execFile(program ?? '', ['check', 'metrics'], (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') reject(new Error(error.message, { cause: error }))
      else resolve(`${stdout}${stderr}`.split('\n').filter(Boolean))
    })
    child.stdin?.end(page.replaceAll(ofOthers, ''))
  })
}

// The postgres_exporter of this machine, beside a server of a test.
import { spawn } from 'node:child_process'
import { eventually } from '../../deploy/local/eventually.ts'
import { findProgram } from '../../deploy/local/find-program.ts'
import { reservePort } from '../../deploy/local/free-ports.ts'
import { runProgram } from '../../deploy/local/run-program.ts'

const program = findProgram('prometheus-postgres-exporter') ?? findProgram('postgres_exporter')

/** The release whose names are ours (docs/metrics.md); older ones have others. */
const least = [0, 19] as const

/** Why there is none to compare with; false where there is. */
export async function withoutPostgresExporter(): Promise<string | false> {
  if (program === undefined) return 'the program prometheus-postgres-exporter is not installed'
  const { stdout, stderr } = await runProgram(program, ['--version'], { env: {} })
  const [, major = '0', minor = '0'] = /version (\d+)\.(\d+)/.exec(stdout + stderr) ?? []
  const fits = Number(major) > least[0] || (Number(major) === least[0] && Number(minor) >= least[1])
  return fits ? false : `postgres_exporter is ${major}.${minor}, ${least.join('.')} or newer is wanted`
}

/** One that runs; scrape() gives its page. */
export class PostgresExporter implements AsyncDisposable {
  readonly #child: ReturnType<typeof spawn>
  readonly #url: string

  private constructor(child: ReturnType<typeof spawn>, port: number) {
    this.#child = child
    this.#url = `http://127.0.0.1:${port}/metrics`
  }

  /** Starts one that asks this server (a libpq connection string), with these flags. */
  static async start(server: string, flags: readonly string[]): Promise<PostgresExporter> {
    const reserved = await reservePort()
    const args = [...flags, `--web.listen-address=127.0.0.1:${reserved.port}`]
    const child = spawn(program ?? '', args, { stdio: 'ignore', env: { DATA_SOURCE_NAME: server } })
    const exporter = new PostgresExporter(child, reserved.port)
    child.once('exit', () => reserved.release())
    await eventually('postgres_exporter answers', async () => (await exporter.scrape()).includes('pg_up 1'), {
      deadline: 30_000,
    })
    return exporter
  }

  async scrape(): Promise<string> {
    return await (await fetch(this.#url)).text()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#child.once('exit', () => resolve())
    this.#child.kill()
    await promise
  }
}

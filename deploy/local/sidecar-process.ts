// One sidecar process with a life: started, stopped, killed, frozen, asked over HTTP, its log read. Its process id lies
// in a file with its start time, so any process may take the same sidecar over.

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { agentCommandLine, agentEnvironment } from './agent-command.ts'
import { eventually } from './eventually.ts'
import { askHttp, type HttpAnswer } from './http-answer.ts'
import { LocalError, logTail } from './local-error.ts'
import { isAlive, readProcess, sendSignal } from './process-table.ts'

/** What a sidecar is made from; its log and its pid file are in `folder`. */
export interface SidecarSpec {
  readonly name: string
  readonly folder: string
  /** The agent's main file. */
  readonly agent: string
  readonly httpPort: number
  readonly controlSocket: string
  readonly env: Readonly<Record<string, string>>
}

/** Milliseconds for a stop on a busy machine; a sidecar that does not come to its end is ended by force after 10 s. */
const STOP_DEADLINE = 30_000

/** A sidecar on this machine. */
export class SidecarProcess {
  readonly spec: SidecarSpec
  readonly name: string
  readonly url: string
  readonly logFile: string
  readonly #pidFile: string
  #child: ChildProcess | undefined

  constructor(spec: SidecarSpec) {
    this.spec = spec
    this.name = spec.name
    this.url = `http://127.0.0.1:${spec.httpPort}`
    this.logFile = join(spec.folder, 'sidecar.log')
    this.#pidFile = join(spec.folder, 'sidecar.pid')
  }

  /** The process id, or undefined while it is not running. */
  get pid(): number | undefined {
    try {
      const [pid = 0, startTime = 0] = readFileSync(this.#pidFile, 'utf8').split(' ').map(Number)
      return isAlive({ pid, startTime }) ? pid : undefined
    } catch {
      return undefined
    }
  }

  /** Exit code of the last process that this object started, null after a signal; undefined while it runs. */
  get exitCode(): number | null | undefined {
    const child = this.#child
    return child === undefined || (child.exitCode === null && child.signalCode === null) ? undefined : child.exitCode
  }

  /** Starts `citus-sidecar run`; `env` adds to or replaces settings for this one start. Does not wait for readiness. */
  start(env: Readonly<Record<string, string>> = {}): void {
    const running = this.pid
    if (running !== undefined) throw new LocalError(`the sidecar of ${this.name} runs already, as process ${running}`)
    const [program, args] = agentCommandLine(this.spec.agent, ['run'])
    const log = openSync(this.logFile, 'a', 0o644)
    const child = spawn(program, args, {
      detached: true,
      env: agentEnvironment({ ...this.spec.env, ...env }),
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    this.#child = child
    child.on('error', () => undefined)
    child.unref()
    if (child.pid === undefined) throw new LocalError(`the sidecar of ${this.name} cannot be started: ${program}`)
    writeFileSync(this.#pidFile, `${child.pid} ${readProcess(child.pid)?.startTime ?? 0}`)
  }

  /** SIGTERM, then waits until it is gone; returns the exit code where this object started it. */
  async stop(signal?: AbortSignal): Promise<number | null | undefined> {
    const pid = this.pid
    if (pid !== undefined) {
      sendSignal(pid, 'SIGTERM')
      this.thaw()
    }
    return await this.ended('stops', STOP_DEADLINE, signal)
  }

  /** kill -9, waiting until it is gone. */
  async kill(signal?: AbortSignal): Promise<void> {
    this.killNow()
    await this.ended('is killed', STOP_DEADLINE, signal)
  }

  /** Sends kill -9 without waiting. */
  killNow(): void {
    this.#signalGroup('SIGKILL')
  }

  /** Waits (milliseconds) until the process has ended by itself; returns the exit code where this object started it. */
  async ended(what = 'ends', deadline = STOP_DEADLINE, signal?: AbortSignal): Promise<number | null | undefined> {
    const isGone = (): boolean => this.pid === undefined && (this.#child === undefined || this.exitCode !== undefined)
    const context = (): string => logTail(this.logFile)
    await eventually(`the sidecar of ${this.name} ${what}`, isGone, { deadline, signal, context })
    return this.exitCode
  }

  async restart(signal?: AbortSignal): Promise<void> {
    await this.stop(signal)
    this.start()
  }

  /** SIGSTOP to it and its children. */
  freeze(): void {
    if (!this.#signalGroup('SIGSTOP'))
      throw new LocalError(`the sidecar of ${this.name} is not running: nothing to freeze`)
  }

  /** SIGCONT to it and its children. */
  thaw(): void {
    this.#signalGroup('SIGCONT')
  }

  /** GET of a path on its HTTP port; rejects when nothing answers. */
  async get(path: string): Promise<HttpAnswer> {
    return await askHttp({ target: { host: '127.0.0.1', port: this.spec.httpPort }, path })
  }

  /** A request on its control socket. */
  async control(method: string, path: string, body?: unknown): Promise<HttpAnswer> {
    return await askHttp({ target: { socketPath: this.spec.controlSocket }, method, path, body })
  }

  /** Waits until the path answers 200 (deadline in milliseconds); fails at once when the process ends. */
  async answers(path: string, deadline = 30_000, signal?: AbortSignal): Promise<void> {
    let last: HttpAnswer | undefined
    const context = (): string => [last?.body, logTail(this.logFile)].filter(Boolean).join('\n')
    const outcome = await eventually(
      `the sidecar of ${this.name} answers 200 to ${path}`,
      async () => {
        if (this.pid === undefined) return 'ended'
        last = await this.get(path)
        return last.status === 200 && 'good'
      },
      { deadline, signal, context },
    )
    if (outcome !== 'ended') return
    // /proc shows the end a moment before this process is told of it, and of the exit code.
    const code = await this.ended()
    const how = code === undefined ? 'is not running' : `ended with exit code ${code}`
    throw new LocalError(`the sidecar of ${this.name} ${how}\n${logTail(this.logFile)}`)
  }

  /** Its log so far, a line each; a line that is not JSON comes as `{ unparsed: line }`. */
  log(): Record<string, unknown>[] {
    return readFileSync(this.logFile, 'utf8').split('\n').filter(Boolean).map(parseLine)
  }

  #signalGroup(signal: NodeJS.Signals): boolean {
    const pid = this.pid
    return pid !== undefined && sendSignal(-pid, signal)
  }
}

function parseLine(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null) return { ...value }
  } catch {
    // Not ours, or the last line, still being written.
  }
  return { unparsed: line }
}

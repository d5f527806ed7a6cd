// The real preStop script against a handshake in this process: a volume, a drain that a test scripts, and the script.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Handshake } from '../../agent/drain/handshake.ts'
import { installPrestop } from '../../agent/drain/prestop-script.ts'
import type { DrainView, PhaseView } from '../../agent/drain/view.ts'
import type { EventName } from '../../agent/events.ts'
import { systemClock } from '../../agent/loop/clock.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import { endWithProcess } from '../../deploy/local/leftovers.ts'

/** Shells that this machine has, each as its command line before the script; every image has at least one of them. */
export const shells: readonly (readonly string[])[] = [['dash'], ['busybox', 'sh'], ['bash', '--posix']].filter(
  ([program = '', ...args]) => spawnSync(program, [...args, '-c', 'true']).status === 0,
)

/** Longest a script may take in a test, milliseconds. */
export const patience = 60_000

/** A script that runs. */
export interface RunningScript {
  readonly lines: string[]
  readonly errors: () => string
  /** Its exit code; null when it was killed. */
  readonly code: Promise<number | null>
  kill(signal: 'SIGKILL' | 'SIGTERM'): void
}

/** A volume with the script in it. */
export class Volume implements AsyncDisposable {
  readonly path: string
  readonly #kill = new Set<() => void>()

  private constructor(path: string) {
    this.path = path
  }

  static async make(path?: string): Promise<Volume> {
    const folder = path ?? (await mkdtemp(join(tmpdir(), 'prestop-')))
    await mkdir(folder, { recursive: true })
    await chmod(folder, 0o777)
    await installPrestop(folder)
    return new Volume(folder)
  }

  file(name: string): string {
    return join(this.path, 'handshake', name)
  }

  /** As a sidecar with little patience would have written them. */
  async limits(deadline: number, silence: number): Promise<void> {
    await writeFile(this.file('limits'), `deadline ${deadline} silence ${silence}\n`)
  }

  /** Starts the script, by its path as Kubernetes does where no shell is told. */
  start(shell: readonly string[] = [], options: { uid?: number; gid?: number; path?: string } = {}): RunningScript {
    const { path = process.env['PATH'], ...user } = options
    const [program, ...args] = [...shell, join(this.path, 'prestop')]
    assert.ok(program)
    const child = spawn(program, args, { env: { PATH: path }, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'], ...user })
    const [lines, rest]: [string[], string[]] = [[], ['', '']]
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const parts = `${rest[0]}${text}`.split('\n')
      rest[0] = parts.pop() ?? ''
      lines.push(...parts)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => (rest[1] = `${rest[1]}${text}`))
    const { promise, resolve, reject } = Promise.withResolvers<number | null>()
    const kill = (): void => void child.kill('SIGKILL')
    const forget = endWithProcess(kill)
    this.#kill.add(kill)
    const timer = setTimeout(() => {
      kill()
      reject(new Error(`the script has not ended: ${lines.join('; ')} ${rest[1]}`))
    }, patience)
    child.once('error', reject)
    child.once('close', (code) => {
      clearTimeout(timer)
      forget()
      resolve(code)
    })
    promise.catch(() => undefined)
    return { lines, errors: () => rest[1] ?? '', code: promise, kill: (signal) => void child.kill(signal) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const kill of this.#kill) kill()
    await rm(this.path, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** What was reported. */
export type Reported = readonly [name: EventName, details: Readonly<Record<string, unknown>>]

/** A sidecar as the script knows it, whose drain is what the test says. */
export class ScriptedSidecar implements AsyncDisposable {
  readonly reported: Reported[] = []
  begun = 0
  view: DrainView | undefined
  readonly #stop = new AbortController()
  readonly #handshake: Handshake
  readonly #done: Promise<void>

  constructor(volume: Volume, options: { view?: DrainView | undefined; deadlineSeconds?: number } = {}) {
    this.view = options.view
    this.#handshake = new Handshake({
      runDir: volume.path,
      clock: systemClock,
      report: (name, details = {}) => void this.reported.push([name, details]),
      begin: async () => {
        this.begun += 1
        this.view ??= { id: 'drain-1', phases: [], end: undefined }
        await Promise.resolve()
      },
      view: () => this.view,
      limits: () => ({ deadlineSeconds: options.deadlineSeconds ?? 50 }),
    })
    this.#done = this.#handshake.run(this.#stop.signal)
  }

  /** A phase ended. */
  pass(name: string, state: PhaseView['state'] = 'done', reason = ''): void {
    assert.ok(this.view, 'nothing has begun')
    this.show({ ...this.view, phases: [...this.view.phases, { name, state, reason }] })
  }

  end(ok: boolean, reason = ''): void {
    assert.ok(this.view, 'nothing has begun')
    this.show({ ...this.view, end: { ok, reason } })
  }

  show(view: DrainView): void {
    this.view = view
    this.#handshake.tell()
  }

  async asked(times = 1): Promise<void> {
    await eventually(`a drain was asked for ${times} times`, () => this.begun >= times, { deadline: patience })
  }

  reasonsOf(event: EventName): readonly string[] {
    return this.reported.flatMap(([name, { file, reason }]) =>
      name === event ? [`${String(file)}: ${String(reason)}`] : [],
    )
  }

  /** Ends it, as a kill would as far as the volume can tell. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#done
  }
}

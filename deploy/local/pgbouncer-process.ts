// One PgBouncer with a life: started, stopped, killed, frozen. Its process id lies in a file with its start time, so any process may take
// the same one over.

import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { eventually } from './eventually.ts'
import { findProgram } from './find-program.ts'
import { LocalError, logTail } from './local-error.ts'
import type { Passwords } from './postgres-files.ts'
import { isAlive, readProcess, sendSignal } from './process-table.ts'
import { makeFolder, type ServerUser, writeOwnedFile } from './server-user.ts'

/** What a PgBouncer is made from. */
export interface PgBouncerSpec {
  readonly name: string
  readonly folder: string
  readonly port: number
  /** Where its one database leads. */
  readonly server: { readonly host: string; readonly port: number; readonly database: string }
  readonly passwords: Passwords
  readonly user?: ServerUser | undefined
  /** Settings on top of the planned ones. */
  readonly settings: Readonly<Record<string, string>>
}

const DEADLINE = 15_000

/**
 * The program, from PATH or where Debian puts it.
 * @throws LocalError when there is none.
 */
export function findPgBouncer(): string {
  const found = findProgram('pgbouncer')
  if (found !== undefined) return found
  throw new LocalError('poolers need the program pgbouncer; on Debian "apt-get install pgbouncer" brings it')
}

/** Whether the program is there. */
export function hasPgBouncer(): boolean {
  return findProgram('pgbouncer') !== undefined
}

/** A PgBouncer on this machine. */
export class PgBouncer {
  readonly spec: PgBouncerSpec
  readonly name: string
  readonly host = 'localhost'
  readonly port: number
  readonly socketDir: string
  readonly logFile: string
  readonly #settingsFile: string
  readonly #usersFile: string
  readonly #pidFile: string

  constructor(spec: PgBouncerSpec) {
    this.spec = spec
    this.name = spec.name
    this.port = spec.port
    this.socketDir = join(spec.folder, 'socket')
    this.logFile = join(spec.folder, 'pgbouncer.log')
    this.#settingsFile = join(spec.folder, 'pgbouncer.ini')
    this.#usersFile = join(spec.folder, 'users.txt')
    this.#pidFile = join(spec.folder, 'pgbouncer.pid')
  }

  /** Makes everything it needs on disk. */
  async writeFiles(): Promise<void> {
    const { folder, passwords, user } = this.spec
    await makeFolder(folder, 0o755)
    await makeFolder(this.socketDir, 0o755, user)
    const users = Object.entries(passwords).map(([role, password]) => `"${role}" "${password}"\n`)
    await writeOwnedFile(this.#usersFile, users.join(''), 0o600, user)
    await writeOwnedFile(this.#settingsFile, this.#render(), 0o644)
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

  /** Starts it and waits until it accepts connections. */
  async start(signal?: AbortSignal): Promise<void> {
    if (this.pid !== undefined) throw new LocalError(`PgBouncer of ${this.name} runs already, as process ${this.pid}`)
    const { user } = this.spec
    const log = openSync(this.logFile, 'a', 0o644)
    const child = spawn(findPgBouncer(), [this.#settingsFile], {
      cwd: '/',
      detached: true,
      env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', log, log],
      ...(user !== undefined && { uid: user.uid, gid: user.gid }),
    })
    closeSync(log)
    child.on('error', () => undefined)
    child.unref()
    if (child.pid === undefined) throw new LocalError(`PgBouncer of ${this.name} cannot be started`)
    writeFileSync(this.#pidFile, `${child.pid} ${readProcess(child.pid)?.startTime ?? 0}`)
    const outcome = await eventually(
      `PgBouncer of ${this.name} accepts connections`,
      async () => (this.pid === undefined ? 'ended' : (await this.#accepts()) && 'ready'),
      { deadline: DEADLINE, signal, context: () => logTail(this.logFile) },
    )
    if (outcome === 'ended')
      throw new LocalError(`PgBouncer of ${this.name} ended at its start\n${logTail(this.logFile)}`)
  }

  /** SIGTERM, then waits until it is gone. */
  async stop(signal?: AbortSignal): Promise<void> {
    const { pid } = this
    if (pid !== undefined) sendSignal(pid, 'SIGTERM')
    this.thaw()
    await this.#gone('stops', signal)
  }

  /** kill -9, waiting until it is gone. */
  async kill(signal?: AbortSignal): Promise<void> {
    this.killNow()
    await this.#gone('is killed', signal)
  }

  /** Sends kill -9 without waiting. */
  killNow(): void {
    const { pid } = this
    if (pid !== undefined) sendSignal(pid, 'SIGKILL')
  }

  async restart(signal?: AbortSignal): Promise<void> {
    await this.stop(signal)
    await this.start(signal)
  }

  /** SIGSTOP. */
  freeze(): void {
    const { pid } = this
    if (pid === undefined) throw new LocalError(`PgBouncer of ${this.name} is not running: nothing to freeze`)
    sendSignal(pid, 'SIGSTOP')
  }

  /** SIGCONT. */
  thaw(): void {
    const { pid } = this
    if (pid !== undefined) sendSignal(pid, 'SIGCONT')
  }

  async #gone(what: string, signal?: AbortSignal): Promise<void> {
    const context = (): string => logTail(this.logFile)
    await eventually(`PgBouncer of ${this.name} ${what}`, () => this.pid === undefined, {
      deadline: DEADLINE,
      signal,
      context,
    })
  }

  async #accepts(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const socket = createConnection(join(this.socketDir, `.s.PGSQL.${this.port}`))
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    const accepted = await promise
    socket.destroy()
    return accepted
  }

  #render(): string {
    const { server, settings } = this.spec
    const all: Record<string, string> = {
      listen_addr: '127.0.0.1',
      listen_port: String(this.port),
      unix_socket_dir: this.socketDir,
      auth_type: 'scram-sha-256',
      auth_file: this.#usersFile,
      admin_users: 'citus_sidecar',
      pool_mode: 'transaction',
      // What docs/operations.md tells everyone: a server that is back is used at once.
      server_login_retry: '1',
      dns_max_ttl: '1',
      ignore_startup_parameters: 'extra_float_digits,options',
      ...settings,
    }
    const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}\n`)
    const { host, port, database } = server
    return `[databases]\n${database} = host=${host} port=${port} dbname=${database}\n[pgbouncer]\n${lines.join('')}`
  }
}

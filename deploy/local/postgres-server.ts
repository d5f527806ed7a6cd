// One PostgreSQL server with a life: started, stopped, killed, frozen, asked. Everything it needs to know about the
// running server it reads from the operating system, so any process may take the same server over.

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Client, type QueryResultRow } from 'pg'
import { eventually } from './eventually.ts'
import { LocalError, logTail } from './local-error.ts'
import { serverPaths, type ServerSpec, writeServerFiles } from './postgres-files.ts'
import { findPostmaster, findServerProcesses, isAlive, type ProcessEntry, sendSignal } from './process-table.ts'
import { removeSharedMemory } from './shared-memory.ts'

/** Who asks where; the superuser in the server's own database unless told. */
export interface SessionOptions {
  readonly user?: string | undefined
  readonly database?: string | undefined
  /** Milliseconds that one statement may take, 30,000 unless told. */
  readonly timeout?: number | undefined
}

export type StopMode = 'smart' | 'fast' | 'immediate'
const STOP_SIGNALS = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const

/** Milliseconds for a start with crash recovery or a stop with a checkpoint on a busy machine. */
const DEADLINE = 30_000

/** A PostgreSQL server on this machine. */
export class PostgresServer {
  readonly spec: ServerSpec
  readonly name: string
  readonly host = 'localhost'
  readonly port: number
  /** The postmaster that this object started last. */
  #child: ChildProcess | undefined
  readonly dataDir: string
  readonly socketDir: string
  readonly logFile: string
  readonly clusterName: string
  readonly #paths: ReturnType<typeof serverPaths>

  constructor(spec: ServerSpec) {
    this.spec = spec
    this.name = spec.name
    this.port = spec.port
    this.#paths = serverPaths(spec.folder)
    this.dataDir = this.#paths.dataDir
    this.socketDir = this.#paths.socketDir
    this.logFile = this.#paths.logFile
    // The mark in every child's title (63 bytes at most); the folder makes it this server's alone.
    const unique = createHash('sha256').update(spec.folder).digest('hex').slice(0, 12)
    this.clusterName = `${basename(spec.folder).slice(0, 40)}-${unique}`
  }

  /** Makes the server's folder with everything but the data directory; `settings` add to the profile. */
  async writeFiles(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    await writeServerFiles({ ...this.spec, clusterName: this.clusterName, settings })
  }

  /** The postmaster's process id, or undefined while the server is not running. */
  get pid(): number | undefined {
    return findPostmaster(this.processes(), this)?.pid
  }

  /** Every process of this server, children and orphans included. */
  processes(): ProcessEntry[] {
    return findServerProcesses(this)
  }

  /**
   * Starts the server and, unless `wait` is false, waits until it accepts connections.
   * @throws LocalError with the log's end when it runs already, ends at once or is not ready within 30 s.
   */
  async start(options: { wait?: boolean | undefined } = {}, signal?: AbortSignal): Promise<void> {
    const running = this.pid
    if (running !== undefined) throw new LocalError(`PostgreSQL of ${this.name} runs already, as process ${running}`)
    // Until this process has heard of its end, a killed postmaster still has its process id, and a new one takes it for running.
    const former = this.#child
    if (former?.pid !== undefined)
      await eventually(
        `the former postmaster of ${this.name} is gone`,
        () => former.exitCode !== null || former.signalCode !== null,
        {
          deadline: DEADLINE,
          interval: 10,
          signal,
        },
      )
    const { binaries, user } = this.spec
    const { settingsFile, hbaFile, passFile } = this.#paths
    const log = openSync(this.logFile, 'a', 0o644)
    const child = spawn(
      join(binaries.binDir, 'postgres'),
      ['-D', this.dataDir, '-c', `config_file=${settingsFile}`, '-c', `hba_file=${hbaFile}`],
      {
        cwd: '/',
        detached: true,
        env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC', PGPASSFILE: passFile },
        stdio: ['ignore', log, log],
        ...(user !== undefined && { uid: user.uid, gid: user.gid }),
      },
    )
    closeSync(log)
    this.#child = child
    let ended: string | undefined
    child.once('error', (error) => (ended = error.message))
    child.once('exit', (code, killer) => (ended = killer ?? `exit code ${code}`))
    child.unref()
    if (options.wait === false) return
    const status = await eventually(
      `PostgreSQL of ${this.name} accepts connections`,
      () => ended ?? (this.#isReady(child.pid) && 'ready'),
      { deadline: DEADLINE, interval: 10, signal, context: () => logTail(this.logFile) },
    )
    if (status !== 'ready') {
      throw new LocalError(`PostgreSQL of ${this.name} ended at its start: ${status}\n${logTail(this.logFile)}`)
    }
  }

  /** Stops the server (fast unless told) and waits until its last process is gone; nothing to do when it is down. */
  async stop(mode: StopMode = 'fast', signal?: AbortSignal): Promise<void> {
    const processes = this.processes()
    const postmaster = findPostmaster(processes, this)
    if (postmaster === undefined) return await this.kill(signal)
    sendSignal(postmaster.pid, STOP_SIGNALS[mode])
    // A stopped process handles no signal, so a frozen server has to be thawed for this.
    this.thaw()
    await this.#gone(processes, `PostgreSQL of ${this.name} stops (${mode})`, signal)
  }

  async restart(signal?: AbortSignal): Promise<void> {
    await this.stop('fast', signal)
    await this.start({}, signal)
  }

  /** kill -9 of all processes of the server, waiting until they are gone. */
  async kill(signal?: AbortSignal): Promise<void> {
    await this.#gone(this.killNow(), `PostgreSQL of ${this.name} is killed`, signal)
  }

  /** Sends kill -9 to all processes of the server and returns them, without waiting. */
  killNow(): ProcessEntry[] {
    // The postmaster first: it must start no new child, and no crash recovery, while we look for the others.
    const postmaster = this.pid
    if (postmaster !== undefined) sendSignal(postmaster, 'SIGSTOP')
    const processes = this.processes()
    for (const process of processes) sendSignal(process.pid, 'SIGKILL')
    return processes
  }

  /** SIGSTOP to every process of the server, or to its postmaster alone: held sessions then still answer. */
  async freeze(options: { postmaster?: boolean | undefined } = {}, signal?: AbortSignal): Promise<void> {
    const postmaster = this.pid
    if (postmaster === undefined) throw new LocalError(`PostgreSQL of ${this.name} is not running: nothing to freeze`)
    sendSignal(postmaster, 'SIGSTOP')
    await eventually(
      `every process of PostgreSQL of ${this.name} is stopped`,
      () => {
        const running = this.processes().filter(({ pid, state }) =>
          options.postmaster === true ? pid === postmaster && state !== 'T' : state !== 'T',
        )
        for (const process of running) sendSignal(process.pid, 'SIGSTOP')
        return running.length === 0
      },
      { interval: 2, signal },
    )
  }

  /** SIGCONT to every process of the server. */
  thaw(): void {
    for (const process of this.processes()) sendSignal(process.pid, 'SIGCONT')
  }

  /** A new session over the Unix socket; the caller ends it. */
  async connect(options: SessionOptions = {}): Promise<Client> {
    const { user = 'postgres', database = this.spec.database, timeout = DEADLINE } = options
    const client = new Client({
      host: this.socketDir,
      port: this.port,
      user,
      database,
      application_name: 'citus-sidecar-local',
      ssl: false,
      connectionTimeoutMillis: 10_000,
      query_timeout: timeout,
    })
    // A session that is cut by a kill tells its next query; without a listener it would end this process.
    client.on('error', () => undefined)
    await client.connect()
    return client
  }

  /** Runs one statement in a session of its own and returns its rows. */
  async query<Row extends QueryResultRow = Record<string, unknown>>(
    sql: string,
    parameters: unknown[] = [],
    options: SessionOptions = {},
  ): Promise<Row[]> {
    const client = await this.connect(options)
    try {
      return (await client.query<Row>(sql, parameters)).rows
    } finally {
      await client.end()
    }
  }

  /** Kills what runs and frees what kill -9 leaves in the kernel, without waiting; the folder may go next. */
  endNow(): void {
    this.killNow()
    removeSharedMemory(this.dataDir, this.spec.user)
  }

  /** What pg_ctl looks at: the status line that the postmaster keeps in its pid file. */
  #isReady(pid: number | undefined): boolean {
    try {
      const lines = readFileSync(join(this.dataDir, 'postmaster.pid'), 'utf8').split('\n')
      return Number(lines[0]) === pid && lines[7]?.trim() === 'ready'
    } catch {
      return false
    }
  }

  async #gone(processes: readonly ProcessEntry[], description: string, signal?: AbortSignal): Promise<void> {
    await eventually(description, () => !processes.some(isAlive) && this.processes().length === 0, {
      deadline: DEADLINE,
      interval: 5,
      signal,
      context: () => logTail(this.logFile),
    })
  }
}

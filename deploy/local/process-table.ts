// What /proc knows: is a process alive, when did it start, which processes belong to one PostgreSQL server.
// Only world-readable files are used (stat, cmdline): root in a container may not follow /proc/<pid>/cwd of others.

import { readdirSync, readFileSync } from 'node:fs'
import { LocalError } from './local-error.ts'

/** One process as /proc shows it; `startTime` (clock ticks since boot) tells it from a later one with the same id. */
export interface ProcessEntry {
  readonly pid: number
  readonly parent: number
  /** One letter of proc(5): R, S, D, T (stopped), Z (zombie), … */
  readonly state: string
  readonly startTime: number
  /** The arguments, or the title that the process gave itself; NUL bytes between arguments. */
  readonly commandLine: string
}

/** The process with this id, or undefined when there is none or only a zombie is left. */
export function readProcess(pid: number): ProcessEntry | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the name in brackets and may itself contain spaces and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const state = fields[0] ?? 'X'
    if (state === 'Z' || state === 'X') return undefined
    const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'latin1')
    return { pid, parent: Number(fields[1]), state, startTime: Number(fields[19]), commandLine }
  } catch {
    return undefined
  }
}

/** Whether this very process, not a later one with its id, still runs. */
export function isAlive(process: Pick<ProcessEntry, 'pid' | 'startTime'>): boolean {
  return readProcess(process.pid)?.startTime === process.startTime
}

/** Every process of this machine that is not a zombie. */
export function listProcesses(): ProcessEntry[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)) ?? [])
}

/** What a server's processes can be recognised by. */
export interface ServerMark {
  readonly dataDir: string
  /** The setting cluster_name, which PostgreSQL puts into the title of every child. */
  readonly clusterName: string
}

/**
 * All processes of one PostgreSQL server: those that carry its mark and their descendants (an archive_command's shell);
 * also orphans whose postmaster is gone.
 */
export function findServerProcesses(mark: ServerMark, all: readonly ProcessEntry[] = listProcesses()): ProcessEntry[] {
  const found = new Map(
    all.filter((process) => carriesMark(process.commandLine, mark)).map((process) => [process.pid, process]),
  )
  for (let before = -1; before !== found.size;) {
    before = found.size
    for (const process of all) if (found.has(process.parent)) found.set(process.pid, process)
  }
  return [...found.values()]
}

/** The one among a server's processes that started the others. */
export function findPostmaster(processes: readonly ProcessEntry[], mark: ServerMark): ProcessEntry | undefined {
  const ids = new Set(processes.map((process) => process.pid))
  // A child that was forked a moment ago still has its parent's command line, so the parent decides.
  return processes.find((process) => !ids.has(process.parent) && isPostmasterCommand(process.commandLine, mark))
}

function carriesMark(commandLine: string, mark: ServerMark): boolean {
  return commandLine.startsWith(`postgres: ${mark.clusterName}: `) || isPostmasterCommand(commandLine, mark)
}

function isPostmasterCommand(commandLine: string, mark: ServerMark): boolean {
  const [program = '', option, dataDir] = commandLine.split('\0')
  return program.endsWith('/postgres') && option === '-D' && dataDir === mark.dataDir
}

/** Sends a signal to a process id (negative: to its group); false when there is no such process. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  // That would be our own group, us included.
  if (pid === 0) throw new LocalError(`no process to send ${signal} to`)
  try {
    return process.kill(pid, signal)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false
    throw error
  }
}

// What `npm run cluster -- …` understands: arguments in, a request out.

import { parseArgs } from 'node:util'
import { UsageError } from './local-error.ts'

/** What can be done to a node or to its sidecar. */
export const NODE_ACTIONS = ['kill', 'freeze', 'thaw', 'restart', 'stop', 'start'] as const

type NodeAction = (typeof NODE_ACTIONS)[number]

/** One understood command line. */
export type ClusterRequest =
  | { readonly command: 'help' }
  | {
      readonly command: 'up'
      readonly workers: number
      readonly poolers: number
      readonly dir: string | undefined
      readonly json: boolean
      readonly sidecars: boolean
    }
  | {
      readonly command: NodeAction
      readonly node: string
      readonly part: 'postgres' | 'sidecar'
      readonly dir: string
      readonly postmaster: boolean
    }
  | { readonly command: 'down'; readonly dir: string }

// Each worker is a server and a Node process: more would only measure this machine.
const MAX_WORKERS = 64
const MAX_POOLERS = 8

/** The text of --help. */
export const HELP = `A Citus cluster on this machine: one PostgreSQL and one sidecar a node.

  npm run cluster -- up [--workers N] [--poolers N] [--dir D] [--json] [--no-sidecars]
      Start a coordinator and N workers (0 to ${MAX_WORKERS}, default 2) and keep them until interrupted (Ctrl-C) or taken
      down. When all are ready, print them as a table or, with --json, as one line. Poolers (0 to ${MAX_POOLERS}, default 0) are
      PgBouncers in front of the coordinator, in transaction mode; the program pgbouncer must be installed.
  npm run cluster -- kill|freeze|thaw|restart|stop|start NODE[/sidecar] --dir D
      Do that to the PostgreSQL of a node (the PgBouncer of a pooler), or to its sidecar: kill is kill -9 of every process, freeze and thaw are
      SIGSTOP and SIGCONT to every process; freeze --postmaster stops the postmaster alone, so that sessions that
      exist still answer and new ones hang.
  npm run cluster -- down --dir D
      Stop a cluster, also one whose own process is gone, and remove its folder.

  --dir D   the cluster's folder: new or empty for up (default: a temporary one), removed at the end.

CITUS_SIDECAR_LOCAL_SERVER=citus|stand-in forces the kind of server: the system's PostgreSQL with real Citus, or the
one from npm with a stand-in for Citus' control plane. Exit codes: 0 good, 1 failed, 2 usage.
`

const OPTIONS = {
  workers: { type: 'string' },
  poolers: { type: 'string' },
  dir: { type: 'string' },
  json: { type: 'boolean' },
  'no-sidecars': { type: 'boolean' },
  postmaster: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

type Values = ReturnType<typeof parse>['values']

/** The options that each command takes. */
const ALLOWED: Readonly<Record<string, readonly (keyof Values)[]>> = {
  up: ['workers', 'poolers', 'dir', 'json', 'no-sidecars'],
  down: ['dir'],
  freeze: ['dir', 'postmaster'],
}

/**
 * Understands a command line.
 * @throws UsageError naming the argument, its value and what is allowed.
 */
export function readArguments(argv: readonly string[]): ClusterRequest {
  const { values, positionals } = parse(argv)
  const [command, ...names] = positionals
  if (values.help === true) return { command: 'help' }
  if (command === undefined) throw new UsageError(`no command; allowed are up, down, ${NODE_ACTIONS.join(', ')}`)
  checkOptions(command, values)
  if (command === 'up') {
    refuseMore(command, names)
    const sidecars = values['no-sidecars'] !== true
    const workers = readCount('workers', values.workers, MAX_WORKERS) ?? 2
    const poolers = readCount('poolers', values.poolers, MAX_POOLERS) ?? 0
    return { command, workers, poolers, dir: values.dir, json: values.json === true, sidecars }
  }
  if (command === 'down') {
    refuseMore(command, names)
    return { command, dir: needDir(command, values) }
  }
  const action = NODE_ACTIONS.find((known) => known === command)
  if (action === undefined) {
    throw new UsageError(`command "${command}" is unknown; allowed are up, down, ${NODE_ACTIONS.join(', ')}`)
  }
  const [target, ...rest] = names
  if (target === undefined) throw new UsageError(`${action} needs a node: ${action} NODE or ${action} NODE/sidecar`)
  refuseMore(action, rest)
  return { command: action, ...readTarget(target, values), dir: needDir(action, values) }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true, strict: true })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

function checkOptions(command: string, values: Values): void {
  const allowed = ALLOWED[command] ?? ['dir']
  for (const [name, { type }] of Object.entries(OPTIONS)) {
    const given = Object.entries(values).some(([key]) => key === name)
    if (!given || allowed.some((known) => known === name)) continue
    const list = allowed.map((known) => `--${known}`).join(', ')
    throw new UsageError(`${command} takes no --${name}${type === 'string' ? ' …' : ''}; allowed are ${list}`)
  }
}

function readCount(option: string, text: string | undefined, max: number): number | undefined {
  if (text === undefined) return undefined
  const count = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN
  if (count >= 0 && count <= max) return count
  throw new UsageError(`--${option} is "${text}"; allowed is a whole number from 0 to ${max}`)
}

function readTarget(target: string, values: Values) {
  const [node = '', part, ...more] = target.split('/')
  if (node === '' || (part !== undefined && part !== 'sidecar') || more.length > 0) {
    throw new UsageError(`node is "${target}"; allowed are NODE and NODE/sidecar`)
  }
  const postmaster = values.postmaster === true
  if (part === 'sidecar' && postmaster)
    throw new UsageError(`--postmaster does not go with "${target}", only with NODE`)
  return { node, part: part === 'sidecar' ? 'sidecar' : 'postgres', postmaster } as const
}

function needDir(command: string, values: Values): string {
  if (values.dir !== undefined && values.dir !== '') return values.dir
  throw new UsageError(`${command} needs --dir D, the folder that "up" printed`)
}

function refuseMore(command: string, names: readonly string[]): void {
  if (names.length > 0) throw new UsageError(`${command} does not take "${names.join(' ')}"`)
}

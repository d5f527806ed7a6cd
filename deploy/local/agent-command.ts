// Runs the product's own program: its command line, its environment, and one command with its output.

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { LocalError } from './local-error.ts'
import { runFolder } from './run-folder.ts'
import { type ProgramResult, runProgram } from './run-program.ts'

/** The program that runs unless another is told: the one that a test run has built, else the source. */
export const OWN_AGENT = builtForRun() ?? fileURLToPath(new URL('../../agent/main.ts', import.meta.url))

function builtForRun(): string | undefined {
  const built = `${runFolder() ?? ''}/program/main.js`
  return existsSync(built) ? built : undefined
}

/**
 * The command line of the agent, whose main file is `agent`.
 * @throws LocalError when this Node is too old to run it.
 */
export function agentCommandLine(agent: string, args: readonly string[]): [program: string, args: string[]] {
  if (Number(process.versions.node.split('.')[0]) < 24) {
    throw new LocalError(`the sidecar needs Node 24, this is ${process.version}; "npm run" has the right one on PATH`)
  }
  return [process.execPath, [agent, ...args]]
}

const inherited = /^(?:PATH|HOME|LANG|TZ|TMPDIR|NODE_COMPILE_CACHE|NODE_V8_COVERAGE|MALLOC_\w+)$/

/** What a sidecar inherits, and nothing that could set one of its settings behind the caller's back. */
export function agentEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  const values = Object.entries(process.env).map(([name, value = '']) => [name, value] as const)
  return { ...Object.fromEntries(values.filter(([name]) => inherited.test(name))), ...env }
}

/**
 * Runs `citus-sidecar <args>` to its end and returns exit code and output.
 * @throws LocalError when it has not ended within the deadline (60 s unless told, in milliseconds).
 */
export async function runAgentCommand(
  agent: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  options: { deadline?: number | undefined; signal?: AbortSignal | undefined } = {},
): Promise<ProgramResult> {
  const [program, programArgs] = agentCommandLine(agent, args)
  try {
    return await runProgram(program, programArgs, { env: agentEnvironment(env), ...options }, options.signal)
  } catch (cause) {
    options.signal?.throwIfAborted()
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new LocalError(`"citus-sidecar ${args.join(' ')}": ${reason}`, { cause })
  }
}

#!/usr/bin/env node
// argv -> command; the only file that reads process.env.
import { hostname } from 'node:os'
import { createInterface } from 'node:readline/promises'
import { commands } from './commands/index.ts'
import { reasonOf, SidecarError } from './errors.ts'
import type { ExitCode } from './errors.ts'
import { keepHeapSmall } from './heap.ts'
import { untilSignal } from './lifecycle.ts'
import { version } from './version.ts'

async function usage(): Promise<string> {
  const all = await Promise.all(Object.values(commands).map(async (load) => await load()))
  const list = all.map((command) => `  ${command.name.padEnd(12)} ${command.summary}`).join('\n')
  return `citus-sidecar ${version}\n\nusage: citus-sidecar COMMAND [OPTIONS]\n\n${list}\n\n\`citus-sidecar COMMAND --help\` says more. Exit codes: 0 good, 1 failed, 2 bad configuration or usage, 3 the check found problems.\n`
}

async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return await lines.question(question)
  } finally {
    lines.close()
  }
}

async function main(argv: readonly string[], stop: AbortSignal): Promise<ExitCode> {
  const [name, ...args] = argv
  if (name === '--version') {
    process.stdout.write(`${version}\n`)
    return 0
  }
  if (name === undefined || name === '--help' || name === 'help') {
    process.stdout.write(await usage())
    return name === undefined ? 2 : 0
  }
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (load === undefined)
    throw new SidecarError('USAGE', `"${name}" is no command; allowed: ${Object.keys(commands).join(', ')}`)
  const command = await load()
  if (args.includes('--help')) {
    process.stdout.write(`${command.summary}\n\nusage: ${command.usage}\n`)
    return 0
  }
  const canAsk = process.stdin.isTTY && process.stdout.isTTY
  return await command.run({
    args,
    env: process.env,
    hostname: hostname(),
    stdout: process.stdout,
    stderr: process.stderr,
    ask: canAsk ? ask : undefined,
    stop,
  })
}

keepHeapSmall()
try {
  // Before a command's modules load: as PID 1 a process loses every signal that it has no handler for.
  process.exitCode = await main(process.argv.slice(2), untilSignal())
} catch (error) {
  const config = error instanceof SidecarError && error.kind === 'config'
  const code = error instanceof SidecarError ? `${error.code}: ` : ''
  process.stderr.write(config ? `${error.message}\n` : `citus-sidecar: ${code}${reasonOf(error)}\n`)
  process.exitCode = config ? 2 : 1
}

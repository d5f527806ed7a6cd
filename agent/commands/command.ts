// What a command is given and how it prints: argv and environment come from main.ts, nowhere else.
import type { ExitCode } from '../errors.ts'

export interface CommandContext {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly hostname: string
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean }
  readonly stderr: { write(text: string): unknown }
  /** One line typed by a person; undefined where nobody can type. */
  readonly ask: ((question: string) => Promise<string>) | undefined
  /** Aborts on SIGTERM or SIGINT. */
  readonly stop: AbortSignal
}

export interface Command {
  readonly name: string
  readonly summary: string
  readonly usage: string
  run(context: CommandContext): Promise<ExitCode>
}

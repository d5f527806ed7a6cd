// The list of commands; each is loaded when it is asked for, so that `run` starts fast and prints nothing of the others.
import type { Command } from './command.ts'

/** Commands by name. */
export const commands: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./run.ts')).run,
  bootstrap: async () => (await import('./bootstrap.ts')).bootstrap,
  status: async () => (await import('./status.ts')).status,
  top: async () => (await import('./top.ts')).top,
  accept: async () => (await import('./accept.ts')).accept,
  drain: async () => (await import('./drain.ts')).drain,
  remove: async () => (await import('./remove.ts')).remove,
  maintenance: async () => (await import('./maintenance.ts')).maintenance,
  config: async () => (await import('./config.ts')).config,
}

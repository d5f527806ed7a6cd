// citus-sidecar config: the effective settings and where each came from, secrets hidden.
import { loadConfig } from '../config.ts'
import { settings } from '../settings.ts'
import type { Setting } from '../setting.ts'
import { parseArguments } from './arguments.ts'
import type { Command } from './command.ts'

/** The settings table as text, one paragraph a setting. */
function table(): string {
  return Object.values(settings)
    .map(
      (setting: Setting<unknown>) =>
        `  ${setting.env}\n      ${setting.help}\n      allowed: ${setting.type.allowed}; default: ${setting.fallback ?? 'unset'}`,
    )
    .join('\n')
}

export const config: Command = {
  name: 'config',
  summary: 'print the effective settings and where each came from',
  usage: `citus-sidecar config [--json]\n\nSettings are environment variables; passwords come only from files, and only the files' names are printed.\n\n${table()}`,
  run: async (context) => {
    const { values } = parseArguments(context.args, { json: { type: 'boolean' } }, { most: 0 })
    const loaded = loadConfig(context.env, context.hostname)
    const rows = Object.values(settings).map((setting: Setting<unknown>) => {
      const source = loaded.sources[setting.env] ?? 'unset'
      const value = source === 'environment' ? context.env[setting.env] : setting.fallback
      return { setting: setting.env, value: value ?? null, source }
    })
    if (values.json === true)
      context.stdout.write(`${JSON.stringify({ node: loaded.node, settings: rows }, undefined, 2)}\n`)
    else {
      const width = Math.max(...rows.map((row) => row.setting.length))
      const text = rows.map((row) => `${row.setting.padEnd(width)}  ${(row.value ?? '-').padEnd(24)}  ${row.source}`)
      context.stdout.write(`node ${loaded.node}\n${text.join('\n')}\n`)
    }
    return await Promise.resolve(0 as const)
  },
}

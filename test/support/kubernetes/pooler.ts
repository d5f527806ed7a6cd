// Does PgBouncer's configuration agree with its pod, with its sidecar and with the database that it leads to.
import { hasFile } from './files.ts'
import { container, ofKind, workloads } from './objects.ts'
import type { KubernetesObject } from './objects.ts'
import { sharedVolume } from './references.ts'
import { configOf } from './settings.ts'
import { broken } from './rules.ts'

type Ini = Readonly<Record<string, Readonly<Record<string, string>>>>

/** The sections of a pgbouncer.ini. */
export function parseIni(text: string): Ini {
  const sections: Record<string, Record<string, string>> = {}
  let section: Record<string, string> = {}
  for (const line of text.split('\n').map((one) => one.trim())) {
    const [, heading] = /^\[(.+)\]$/.exec(line) ?? []
    const [, key, value = ''] = /^([^;=]+?)\s*=\s*(.*)$/.exec(line) ?? []
    if (heading !== undefined) section = sections[heading] = {}
    else if (key !== undefined) section[key] = value
  }
  return sections
}

/** What does not agree. */
export function poolerDisagreements(objects: readonly KubernetesObject[]): readonly string[] {
  return workloads(objects).flatMap((workload) => {
    if (workload.object.kind !== 'Deployment') return []
    const sidecar = container(workload, 'citus-sidecar')
    const pgbouncer = container(workload, 'pgbouncer')
    const config = configOf(objects, workload, sidecar)
    const text = ofKind(objects, 'ConfigMap').find(({ data }) => data?.['pgbouncer.ini'] !== undefined)?.data
    const { databases = {}, pgbouncer: ini = {} } = parseIni(text?.['pgbouncer.ini'] ?? '')
    const database = Object.fromEntries((databases[config.pgDatabase] ?? '').split(' ').map((one) => one.split('=')))
    const waits = [...(pgbouncer.lifecycle?.preStop?.exec?.command?.join(' ') ?? '').matchAll(/sleep (\d+)/g)]
    const waited = waits.reduce((sum, [, seconds]) => sum + Number(seconds), 0)
    const [file = ''] = (pgbouncer.command ?? []).slice(1)
    const rules: Readonly<Record<string, boolean>> = {
      [`has no database ${config.pgDatabase}`]: database['dbname'] === config.pgDatabase,
      'leads elsewhere than to the coordinator that its sidecar asks': config.coordinator.some(
        ({ host, port }) => database['host'] === host && database['port'] === String(port),
      ),
      'gives clients up while they are held': Number(ini['query_wait_timeout']) * 1_000 > config.holdMax,
      'listens elsewhere than its sidecar looks': Number(ini['listen_port']) === config.pgbouncerPort,
      'listens on a port that its container does not say':
        pgbouncer.ports?.some(({ containerPort }) => containerPort === config.pgbouncerPort) === true,
      'has its socket elsewhere than its sidecar looks': ini['unix_socket_dir'] === config.pgbouncerHost,
      'asks a password of its sidecar':
        config.pgbouncerUser === 'pgbouncer' &&
        pgbouncer.securityContext?.runAsUser === sidecar.securityContext?.runAsUser,
      'is started without its configuration': hasFile(workload, pgbouncer, file),
      'is killed before its hook has ended':
        waited > 0 && waited < (workload.template.spec?.terminationGracePeriodSeconds ?? 30),
      'pools by session, which no hold can pause': ini['pool_mode'] === 'transaction',
    }
    return [
      ...broken(workload.name, rules),
      ...sharedVolume(workload, config.pgbouncerHost, ['citus-sidecar', 'pgbouncer']),
      ...sharedVolume(workload, '/run/citus', ['userlist', 'pgbouncer']),
    ]
  })
}

// Does PostgreSQL's configuration agree with the pod that it is in.
import { container, nodes, ofKind, volumes } from './objects.ts'
import type { KubernetesObject, Workload } from './objects.ts'
import { sharedVolume } from './references.ts'
import { broken } from './rules.ts'

/** The settings of a postgresql.conf; of two the last counts. */
export function parseSettings(text: string): Readonly<Record<string, string>> {
  const lines = text.split('\n').map((line) => /^\s*([\w.]+)\s*=\s*(?:'([^']*)'|([^#\s]+))/.exec(line))
  return Object.fromEntries(lines.flatMap((match) => (match === null ? [] : [[match[1], match[2] ?? match[3]]])))
}

function variable(workload: Workload, name: string, variableName: string): string | undefined {
  return container(workload, name).env?.find((one) => one.name === variableName)?.value
}

/** The settings in the files of the ConfigMap citus-postgres, which include each other in this order. */
function settingsIn(files: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return parseSettings(['postgresql.conf', 'statements.conf', 'overlay.conf'].map((name) => files[name]).join('\n'))
}

/** What does not agree. */
export function postgresDisagreements(objects: readonly KubernetesObject[]): readonly string[] {
  const files = ofKind(objects, 'ConfigMap').find(({ metadata }) => metadata?.name === 'citus-postgres')?.data ?? {}
  const settings = settingsIn(files)
  const general: Readonly<Record<string, boolean>> = {
    'Citus is not preloaded first': /^citus(,|$)/.test(settings['shared_preload_libraries'] ?? ''),
    'there is no room for a two-phase commit of every session':
      Number(settings['max_prepared_transactions']) >= 2 * Number(settings['max_connections']),
    'shards cannot be moved': settings['wal_level'] === 'logical',
    'it may want huge pages that the pod has not': settings['huge_pages'] === 'off',
    'somebody gets in without a password': !/^[^#]*\b(trust|md5|password)\s*$/m.test(files['pg_hba.conf'] ?? 'trust'),
  }
  const inPods = nodes(objects).flatMap((workload) => {
    const { command = [], args = [], volumeMounts = [] } = container(workload, 'postgres')
    const folder = volumeMounts.find(({ name }) => name === 'postgres-config')?.mountPath ?? '?'
    const data = variable(workload, 'postgres', 'PGDATA') ?? ''
    const passfile = variable(workload, 'postgres', 'PGPASSFILE') ?? ''
    const rules: Readonly<Record<string, boolean>> = {
      'is not prepared before it starts': command.join(' ') === `sh ${folder}/start.sh`,
      'starts without its configuration': args.includes(`config_file=${folder}/postgresql.conf`),
      'takes pg_hba.conf from elsewhere': settings['hba_file'] === `${folder}/pg_hba.conf`,
      'has its socket elsewhere than in the volume': volumeMounts.some(
        ({ name, mountPath }) => name === 'socket' && mountPath === settings['unix_socket_directories'],
      ),
      'has its data in no volume': volumeMounts.some(({ mountPath }) => data.startsWith(`${mountPath}/`)),
      'has its data at the top of a volume, beside what a file system puts there': !volumeMounts.some(
        ({ mountPath }) => mountPath === data,
      ),
      'has no password file':
        passfile === '/run/citus/passfile' && volumeMounts.some(({ mountPath }) => mountPath === '/run/citus'),
    }
    return broken(workload.name, rules)
  })
  return [...broken('citus-postgres', general), ...inPods]
}

/** KiB of a quantity such as 256Mi. */
function kibOf(quantity = ''): number {
  const [, number, unit] = /^(\d+)(Mi|Gi)$/.exec(quantity) ?? []
  return Number(number) * (unit === 'Gi' ? 1_048_576 : 1_024)
}

/** What does not agree between where PostgreSQL logs and who reads that, where its log is a volume. */
export function logDisagreements(objects: readonly KubernetesObject[]): readonly string[] {
  const files = ofKind(objects, 'ConfigMap').find(({ metadata }) => metadata?.name === 'citus-postgres')?.data ?? {}
  const settings = settingsIn(files)
  return nodes(objects).flatMap((workload) => {
    const folder = settings['log_directory'] ?? ''
    const { volumeMounts = [] } = container(workload, 'citus-sidecar')
    const volume = volumes(workload).get(volumeMounts.find(({ mountPath }) => mountPath === folder)?.name ?? '')
    const [, most] = /^most=(\d+) /m.exec(container(workload, 'log').command?.at(-1) ?? '') ?? []
    const rules: Readonly<Record<string, boolean>> = {
      'writes no jsonlog':
        settings['logging_collector'] === 'on' && settings['log_destination']?.includes('jsonlog') === true,
      'logs elsewhere than its sidecar reads': variable(workload, 'citus-sidecar', 'CITUS_SIDECAR_LOG_DIR') === folder,
      'has a log that its sidecar may not read':
        settings['log_file_mode'] === '0640' && workload.template.spec?.securityContext?.fsGroup !== undefined,
      'has a sidecar that could write into the log': volumeMounts.some(
        ({ mountPath, readOnly }) => mountPath === folder && readOnly === true,
      ),
      // On a disk it would be evicted for a log that is too long, or fill what others need.
      'has a log that is not in a volume with an end': volume?.emptyDir?.medium === 'Memory',
      'has no room for what is written between two looks':
        2 * Number(most) <= kibOf(volume?.emptyDir?.sizeLimit) && settings['log_rotation_size'] === '16MB',
      'has a log whose names repeat, which is never cut off':
        settings['log_filename']?.includes('%Y%m%d-%H%M%S') === true,
    }
    return [...broken(workload.name, rules), ...sharedVolume(workload, folder, ['citus-sidecar', 'postgres', 'log'])]
  })
}

// Does PostgreSQL's configuration agree with the pod that it is in.
import { container, nodes, ofKind } from './objects.ts'
import type { KubernetesObject, Workload } from './objects.ts'
import { broken } from './rules.ts'

/** The settings of a postgresql.conf; of two the last counts. */
export function parseSettings(text: string): Readonly<Record<string, string>> {
  const lines = text.split('\n').map((line) => /^\s*([\w.]+)\s*=\s*(?:'([^']*)'|([^#\s]+))/.exec(line))
  return Object.fromEntries(lines.flatMap((match) => (match === null ? [] : [[match[1], match[2] ?? match[3]]])))
}

function variable(workload: Workload, name: string, variableName: string): string | undefined {
  return container(workload, name).env?.find((one) => one.name === variableName)?.value
}

/** What does not agree. */
export function postgresDisagreements(objects: readonly KubernetesObject[]): readonly string[] {
  const files = ofKind(objects, 'ConfigMap').find(({ metadata }) => metadata?.name === 'citus-postgres')?.data ?? {}
  const settings = parseSettings([files['postgresql.conf'], files['overlay.conf']].join('\n'))
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

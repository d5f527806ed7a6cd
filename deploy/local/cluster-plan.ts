// Which nodes a cluster has and what each one's sidecar is told; pure, so that every process plans the same.

import * as z from 'zod'
import { LocalError } from './local-error.ts'

const environment = z.record(z.string(), z.string())

/** One node as planned and as recorded in cluster.json. */
export const nodePlan = z.object({
  name: z.string(),
  role: z.enum(['coordinator', 'worker']),
  /** Name of the primary that this node streams from. */
  standbyOf: z.string().optional(),
  pgPort: z.int(),
  httpPort: z.int(),
  /** Settings of this node's sidecar on top of the planned ones. */
  env: environment,
})

export type NodePlan = z.infer<typeof nodePlan>

/** A standby asked for; its name is `<of>-standby` unless told. */
export interface StandbyWish {
  readonly of: string
  readonly name?: string | undefined
}

/**
 * Name, role and primary of every node: the coordinator, worker-1 to worker-n, then the standbys.
 * @throws LocalError for a standby of a node that does not exist or under a name that is taken.
 */
export function planNodes(
  workers: number,
  standbys: readonly StandbyWish[] = [],
): Pick<NodePlan, 'name' | 'role' | 'standbyOf'>[] {
  const workerNames = Array.from({ length: workers }, (_, index) => `worker-${index + 1}`)
  const primaries = ['coordinator', ...workerNames]
  const taken = new Set(primaries)
  for (const { of, name = `${of}-standby` } of standbys) {
    if (!primaries.includes(of)) throw new LocalError(`standby of "${of}": there are only ${primaries.join(', ')}`)
    if (taken.has(name)) throw new LocalError(`standby of "${of}": the name "${name}" is taken`)
    taken.add(name)
  }
  const roleOf = (name: string) => (name === 'coordinator' ? 'coordinator' : 'worker')
  return [
    ...primaries.map((name) => ({ name, role: roleOf(name) }) as const),
    ...standbys.map(({ of, name = `${of}-standby` }) => ({ name, role: roleOf(of), standbyOf: of }) as const),
  ]
}

/** Where on disk a node keeps what its sidecar needs. */
export interface NodePlaces {
  readonly socketDir: string
  readonly runDir: string
  readonly passwordFile: string
  readonly database: string
}

/** The environment of a node's sidecar and of its commands. */
export function sidecarEnvironment(
  node: NodePlan,
  all: readonly NodePlan[],
  places: NodePlaces,
): Record<string, string> {
  const coordinators = all.filter(({ role }) => role === 'coordinator').map(({ pgPort }) => `localhost:${pgPort}`)
  return {
    CITUS_SIDECAR_ROLE: node.role,
    CITUS_SIDECAR_NODE: node.name,
    CITUS_SIDECAR_ADDRESS: `localhost:${node.pgPort}`,
    CITUS_SIDECAR_COORDINATOR: coordinators.join(','),
    CITUS_SIDECAR_HTTP_ADDRESS: '127.0.0.1',
    CITUS_SIDECAR_HTTP_PORT: String(node.httpPort),
    CITUS_SIDECAR_RUN_DIR: places.runDir,
    CITUS_SIDECAR_PASSWORD_FILE: places.passwordFile,
    PGHOST: places.socketDir,
    PGPORT: String(node.pgPort),
    PGUSER: 'citus_sidecar',
    PGDATABASE: places.database,
    ...standbyGroup(node, all),
    ...node.env,
  }
}

/** A standby is of its primary's group, which its own name does not give away. */
function standbyGroup(node: NodePlan, all: readonly NodePlan[]): Record<string, string> {
  const primary = all.find(({ name }) => name === node.standbyOf)
  if (primary === undefined) return {}
  const told = primary.env['CITUS_SIDECAR_GROUP']
  const ordinal = /-(\d+)$/.exec(primary.name)?.[1]
  const group = told ?? (primary.role === 'coordinator' ? '0' : ordinal && String(Number(ordinal) + 1))
  return group === undefined ? {} : { CITUS_SIDECAR_GROUP: group }
}

// Would each sidecar start with the settings that the manifests give it, and do they agree with the pod they are in.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Container } from 'kubernetes-types/core/v1.d.ts'
import { loadConfig } from '../../../agent/config.ts'
import type { Config } from '../../../agent/config.ts'
import { drainTiming, totalMs } from '../../../agent/drain/plan.ts'
import { reasonOf } from '../../../agent/errors.ts'
import { settings } from '../../../agent/settings.ts'
import { hasFile } from './files.ts'
import { container, containers, nodes, ofKind, workloads } from './objects.ts'
import type { KubernetesObject, Workload } from './objects.ts'
import { sharedVolume } from './references.ts'
import { firstPod, variablesOf } from './variables.ts'
import { broken } from './rules.ts'

type Objects = readonly KubernetesObject[]

/** The namespace that pods are thought to be in. */
const namespace = 'somewhere'
const known: ReadonlySet<string> = new Set(Object.values(settings).map(({ env }) => env))
/** Variables that are none of the sidecar's settings. */
const others = new Set(['POD', 'SERVICE', 'NAMESPACE', 'NODE_OPTIONS'])

/** The container runs our program, and not just a shell of its image. */
function isOurs({ image = '', command }: Container): boolean {
  return /(^|\/)citus-sidecar[:@]/.test(image) && command?.at(-1)?.includes('citus-sidecar') !== false
}

/** The configuration of a container of ours; its files stand for themselves. @throws as loadConfig. */
export function configOf(objects: Objects, workload: Workload, one: Container): Config {
  const pod = firstPod(workload, namespace)
  const folder = mkdtempSync(join(tmpdir(), 'settings-'))
  try {
    const file = join(folder, 'secret')
    writeFileSync(file, 'secret')
    const variables = Object.entries(variablesOf(objects, workload, one, pod)).map(([name, value]) => [
      name,
      name.endsWith('_FILE') && hasFile(workload, one, value) ? file : value,
    ])
    return loadConfig(Object.fromEntries(variables) as Record<string, string>, pod.name)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Settings that there are not, or that the program refuses. */
export function refusedSettings(objects: Objects): readonly string[] {
  return workloads(objects).flatMap((workload) =>
    containers(workload)
      .filter(isOurs)
      .flatMap((one) => {
        const who = `${workload.name}: ${one.name}`
        try {
          const names = Object.keys(variablesOf(objects, workload, one, firstPod(workload, namespace)))
          const strange = names.filter((name) => !known.has(name) && !others.has(name))
          configOf(objects, workload, one)
          return strange.map((name) => `${who}: ${name} is no setting`)
        } catch (error) {
          return [`${who}: ${reasonOf(error)}`]
        }
      }),
  )
}

/** What does not agree between a node's settings and its pod. */
export function disagreements(objects: Objects): readonly string[] {
  const services = new Set(ofKind(objects, 'Service').map(({ metadata }) => metadata?.name ?? ''))
  return nodes(objects).flatMap((workload) => {
    const sidecar = container(workload, 'citus-sidecar')
    const postgres = container(workload, 'postgres')
    const config = configOf(objects, workload, sidecar)
    const { terminationGracePeriodSeconds: grace = 30 } = workload.template.spec ?? {}
    const { name, namespace: where } = firstPod(workload, namespace)
    const service =
      workload.object.spec !== undefined && 'serviceName' in workload.object.spec
        ? workload.object.spec.serviceName
        : ''
    const hook = postgres.lifecycle?.preStop?.exec?.command
    const remote = config.coordinator.filter(({ host }) => host !== config.address.host)
    const rules: Readonly<Record<string, boolean>> = {
      'is registered under another name than its own':
        config.address.host === `${name}.${service}.${where}.svc.cluster.local`,
      'is registered at a port that PostgreSQL has not':
        postgres.ports?.some(({ containerPort }) => containerPort === config.address.port) === true,
      'looks for the coordinator at no Service': remote.every(({ host }) => services.has(host)),
      'has no coordinator but itself': config.role === 'coordinator' || remote.length > 0,
      [`has ${grace} s to stop, and its sidecar believes ${config.gracePeriod / 1_000} s`]:
        config.gracePeriod === grace * 1_000,
      'has less time to stop than a drain takes': totalMs(drainTiming(config)) + config.stopReserve <= grace * 1_000,
      'has less time to stop than clients may be held': config.holdMax < grace * 1_000,
      'has a hook that is not what the sidecar installs': hook?.join(' ') === join(config.runDir, 'prestop'),
      'has its sidecar on another port than the program listens on':
        sidecar.ports?.[0]?.containerPort === config.httpPort,
    }
    return [
      ...broken(workload.name, rules),
      ...dataDisagreements(workload, config.dataDir),
      ...sharedVolume(workload, config.runDir, ['citus-sidecar', 'postgres']),
      ...sharedVolume(workload, config.pgHost, ['citus-sidecar', 'postgres']),
    ]
  })
}

/** Where the sidecar is to see the data directory, it sees PostgreSQL's, and cannot change it. */
function dataDisagreements(workload: Workload, dataDir: string | undefined): readonly string[] {
  if (dataDir === undefined) return []
  const folder = dirname(dataDir)
  const { env = [] } = container(workload, 'postgres')
  const { volumeMounts = [] } = container(workload, 'citus-sidecar')
  const rules: Readonly<Record<string, boolean>> = {
    'looks elsewhere for the data directory than PostgreSQL has it': env.some(
      ({ name, value }) => name === 'PGDATA' && value === dataDir,
    ),
    'has a sidecar that could write into the data directory': volumeMounts.some(
      ({ mountPath, readOnly }) => mountPath === folder && readOnly === true,
    ),
  }
  return [...broken(workload.name, rules), ...sharedVolume(workload, folder, ['citus-sidecar', 'postgres'])]
}

// Is every pod as docs/ and the design want it: restricted, probed by the right one, with resources that are guaranteed.
import type { Container } from 'kubernetes-types/core/v1.d.ts'
import { secretsOf } from './files.ts'
import { container, containers, nodes, volumes, workloads } from './objects.ts'
import type { KubernetesObject, Workload } from './objects.ts'
import { broken } from './rules.ts'

type Objects = readonly KubernetesObject[]

/** What the restricted pod security standard admits as volumes (https://kubernetes.io/docs/concepts/security/pod-security-standards/). */
const admittedVolumes = new Set([
  'configMap',
  'emptyDir',
  'projected',
  'secret',
  'downwardAPI',
  'persistentVolumeClaim',
])

/** What would not be admitted as restricted, and a root file system that could be written. */
export function unrestricted(objects: Objects): readonly string[] {
  return workloads(objects).flatMap((workload) => {
    const {
      hostNetwork,
      hostPID,
      hostIPC,
      securityContext: pod,
      automountServiceAccountToken,
    } = workload.template.spec ?? {}
    const rules: Readonly<Record<string, boolean>> = {
      'shares something with its machine': hostNetwork !== true && hostPID !== true && hostIPC !== true,
      'may run as root': pod?.runAsNonRoot === true && (pod.runAsUser ?? 0) > 0,
      'has no seccomp profile': pod?.seccompProfile?.type === 'RuntimeDefault',
      'has a token of the Kubernetes API in all containers': automountServiceAccountToken === false,
    }
    const strange = [...volumes(workload).values()]
      .filter(({ name: _, ...kind }) => Object.keys(kind).some((one) => !admittedVolumes.has(one)))
      .map(({ name }) => `${workload.name}: volume ${name} is of a kind that is not admitted`)
    return [
      ...broken(workload.name, rules),
      ...strange,
      ...containers(workload).flatMap((one) => unrestrictedContainer(workload, one)),
    ]
  })
}

function unrestrictedContainer(
  workload: Workload,
  { name, securityContext = {}, image = '' }: Container,
): readonly string[] {
  const { capabilities } = securityContext
  const rules: Readonly<Record<string, boolean>> = {
    'may gain privileges': securityContext.allowPrivilegeEscalation === false && securityContext.privileged !== true,
    'keeps capabilities': capabilities?.drop?.join() === 'ALL' && capabilities.add === undefined,
    'can write its root file system': securityContext.readOnlyRootFilesystem === true,
    'runs as root': securityContext.runAsUser !== 0 && securityContext.runAsNonRoot !== false,
    'has an image without a version': /:(?!latest$)[\w.-]+$|@sha256:/.test(image),
  }
  return broken(`${workload.name}: ${name}`, rules)
}

/** Who can read the superuser's password beside PostgreSQL itself and the step that needs it. */
export function superuserReaders(objects: Objects): readonly string[] {
  const allowed = new Set(['postgres', 'bootstrap'])
  return workloads(objects).flatMap((workload) =>
    containers(workload)
      .filter((one) => secretsOf(workload, one).includes('citus-superuser') && !allowed.has(one.name))
      .map(({ name }) => `${workload.name}: ${name} can read the superuser's password`),
  )
}

/** Longest that a sidecar takes to be back, the kubelet's pause before a second restart included, seconds. */
const sidecarRestart = 12

/** What is probed by whom: `beside` is the container of the workload that the sidecar stands beside. */
export function wrongProbes(objects: Objects): readonly string[] {
  return workloads(objects).flatMap((workload) => {
    const beside = container(workload, workload.object.kind === 'StatefulSet' ? 'postgres' : 'pgbouncer')
    const sidecar = container(workload, 'citus-sidecar')
    const port = sidecar.ports?.[0]?.containerPort
    // Natively it is told to end after PostgreSQL, and a pooler has no drain.
    const waits = workload.object.kind === 'StatefulSet' && sidecar.restartPolicy === undefined
    const { httpGet, periodSeconds = 10, failureThreshold = 3, timeoutSeconds = 1 } = beside.readinessProbe ?? {}
    const rules: Readonly<Record<string, boolean>> = {
      [`${beside.name} is not ready by the sidecar's /readyz`]: httpGet?.path === '/readyz' && httpGet.port === port,
      [`${beside.name} is unready while its sidecar restarts`]: periodSeconds * failureThreshold > sidecarRestart,
      [`${beside.name}'s readiness is asked for longer than it is asked often`]: timeoutSeconds <= periodSeconds,
      [`${beside.name} can be killed by a probe`]:
        beside.livenessProbe === undefined && beside.startupProbe === undefined,
      [`citus-sidecar is not alive by its own /livez`]:
        sidecar.livenessProbe?.httpGet?.path === '/livez' && sidecar.livenessProbe.httpGet.port === port,
      [`citus-sidecar has a readiness probe, which couples`]: sidecar.readinessProbe === undefined,
      [`citus-sidecar has a startup probe, which deadlocks`]: sidecar.startupProbe === undefined,
      [`citus-sidecar is told to end before it knows of a drain`]:
        !waits || sidecar.lifecycle?.preStop?.exec !== undefined,
      [`citus-sidecar has a hook without need`]: waits || sidecar.lifecycle === undefined,
    }
    return broken(workload.name, rules)
  })
}

/** Containers without requests that are their limits: one makes the whole pod lose its guarantee. */
export function unguaranteed(objects: Objects): readonly string[] {
  return workloads(objects).flatMap((workload) =>
    containers(workload)
      .filter(({ resources: { requests = {}, limits = {} } = {} }) =>
        ['cpu', 'memory'].some((what) => requests[what] === undefined || requests[what] !== limits[what]),
      )
      .map(({ name }) => `${workload.name}: ${name} is not guaranteed its resources`),
  )
}

/** What Kubernetes 1.20 does not know, of what the manifests use at all. */
export function tooNewFor120(objects: Objects): readonly string[] {
  const budgets = objects
    .filter(({ apiVersion }) => apiVersion === 'policy/v1')
    .map(({ apiVersion = '' }) => apiVersion)
  const fields = nodes(objects).flatMap(({ name, object, template }) => [
    ...(template.spec?.initContainers ?? [])
      .filter(({ restartPolicy }) => restartPolicy !== undefined)
      .map((one) => `${name}: ${one.name} is a native sidecar (1.29)`),
    ...['minReadySeconds', 'persistentVolumeClaimRetentionPolicy', 'ordinals']
      .filter((field) => Object.hasOwn(object.spec ?? {}, field))
      .map((field) => `${name}: ${field}`),
  ])
  return [...budgets.map((one) => `${one} (1.21)`), ...fields]
}

// What kustomize makes of deploy/kubernetes, as typed objects.
import type { Deployment, StatefulSet } from 'kubernetes-types/apps/v1.d.ts'
import type {
  ConfigMap,
  Container,
  Namespace,
  PodTemplateSpec,
  Secret,
  Service,
  ServiceAccount,
  Volume,
} from 'kubernetes-types/core/v1.d.ts'
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.d.ts'
import type { Role, RoleBinding } from 'kubernetes-types/rbac/v1.d.ts'
import type { LabelSelector } from 'kubernetes-types/meta/v1.d.ts'

/** Every kind that the manifests have. */
export interface Kinds {
  readonly StatefulSet: StatefulSet
  readonly Deployment: Deployment
  readonly Service: Service
  readonly ConfigMap: ConfigMap
  readonly Secret: Secret
  readonly ServiceAccount: ServiceAccount
  readonly Namespace: Namespace
  readonly Role: Role
  readonly RoleBinding: RoleBinding
  readonly PodDisruptionBudget: PodDisruptionBudget
}

export type KubernetesObject = Kinds[keyof Kinds]

type Labels = Readonly<Record<string, string>>

/** `Kind/name`, as kubectl writes it. */
export function nameOf({ kind, metadata }: KubernetesObject): string {
  return `${kind ?? '?'}/${metadata?.name ?? '?'}`
}

/** The objects of one kind. */
export function ofKind<K extends keyof Kinds>(objects: readonly KubernetesObject[], kind: K): readonly Kinds[K][] {
  return objects.filter((object): object is Kinds[K] => object.kind === kind)
}

/** Something that makes pods: its name, its object and the pod's template. */
export interface Workload {
  readonly name: string
  readonly object: StatefulSet | Deployment
  readonly template: PodTemplateSpec
}

/** Everything that makes pods. */
export function workloads(objects: readonly KubernetesObject[]): readonly Workload[] {
  return [...ofKind(objects, 'StatefulSet'), ...ofKind(objects, 'Deployment')].map((object) => {
    const template = object.spec?.template
    if (template === undefined) throw new Error(`${nameOf(object)} has no template`)
    return { name: nameOf(object), object, template }
  })
}

/** The StatefulSets that have a sidecar. */
export function nodes(objects: readonly KubernetesObject[]): readonly Workload[] {
  return workloads(objects).filter(({ object }) => object.kind === 'StatefulSet')
}

/** Every container of a pod, init containers first, as they are started. */
export function containers({ template }: Workload): readonly Container[] {
  return [...(template.spec?.initContainers ?? []), ...(template.spec?.containers ?? [])]
}

/** The container of this name. @throws Error where there is none. */
export function container(workload: Workload, name: string): Container {
  const found = containers(workload).find((one) => one.name === name)
  if (found === undefined) throw new Error(`${workload.name} has no container ${name}`)
  return found
}

/** Volumes of a pod by name, those of the claims of a StatefulSet too. */
export function volumes({ object, template }: Workload): ReadonlyMap<string, Volume> {
  const claims = object.kind === 'StatefulSet' ? ((object as StatefulSet).spec?.volumeClaimTemplates ?? []) : []
  return new Map([
    ...(template.spec?.volumes ?? []).map((volume) => [volume.name, volume] as const),
    ...claims.map(({ metadata }) => [metadata?.name ?? '', { name: metadata?.name ?? '' }] as const),
  ])
}

/** Whether a selector finds something with these labels; one that is empty finds nothing here, since it would find all. */
export function selects({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: Labels): boolean {
  const wanted = Object.entries(matchLabels)
  return (
    wanted.length + matchExpressions.length > 0 &&
    wanted.every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      if (operator !== 'In') throw new Error(`selector operator ${operator} is not understood here`)
      return values.includes(labels[key] ?? '')
    })
  )
}

/** The labels of the pods. */
export function podLabels({ template }: Workload): Labels {
  return template.metadata?.labels ?? {}
}

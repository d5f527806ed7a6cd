// The environment that a container of a pod will have, as the kubelet makes it.
import type { Container } from 'kubernetes-types/core/v1.d.ts'
import { ofKind } from './objects.ts'
import type { KubernetesObject, Workload } from './objects.ts'

/** The pod that the variables are for. */
export interface PodName {
  readonly name: string
  readonly namespace: string
}

/** The first pod of a workload. */
export function firstPod({ object }: Workload, namespace: string): PodName {
  const name = object.metadata?.name ?? ''
  return { name: object.kind === 'StatefulSet' ? `${name}-0` : `${name}-7c9f8b7d6-x2x4z`, namespace }
}

/** The variables of a container. @throws Error where something that it refers to does not exist. */
export function variablesOf(
  objects: readonly KubernetesObject[],
  workload: Workload,
  { env = [], envFrom = [] }: Container,
  pod: PodName,
): Readonly<Record<string, string>> {
  const variables: Record<string, string> = {}
  for (const { configMapRef } of envFrom) {
    const found = ofKind(objects, 'ConfigMap').find(({ metadata }) => metadata?.name === configMapRef?.name)
    if (found === undefined) throw new Error(`no ConfigMap ${configMapRef?.name}`)
    Object.assign(variables, found.data)
  }
  for (const { name, value = '', valueFrom } of env) {
    const path = valueFrom?.fieldRef?.fieldPath
    // A reference to what does not stand before it stays as it is.
    variables[name] =
      path === undefined
        ? value.replaceAll(/\$\((\w+)\)/g, (whole, other: string) => variables[other] ?? whole)
        : fieldOf(workload, pod, path)
  }
  return variables
}

/** A field of the pod; a label or an annotation that is not there is empty. */
function fieldOf({ template }: Workload, { name, namespace }: PodName, path: string): string {
  const fields: Readonly<Record<string, string>> = {
    'metadata.name': name,
    'metadata.namespace': namespace,
    'spec.nodeName': 'machine',
  }
  const [, kind, key = ''] = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path) ?? []
  if (kind !== undefined) return template.metadata?.[kind === 'labels' ? 'labels' : 'annotations']?.[key] ?? ''
  const found = fields[path]
  if (found === undefined) throw new Error(`${path} is no field that a variable can have`)
  return found
}

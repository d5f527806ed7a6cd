// Where the contents of a pod's files and variables come from.
import type { Container, Volume } from 'kubernetes-types/core/v1.d.ts'
import { containers, volumes } from './objects.ts'
import type { Workload } from './objects.ts'

/** A Secret or ConfigMap (`Kind/name`) and the keys of it that are used by name. */
export interface Source {
  readonly source: string
  readonly keys: readonly string[]
}

interface Item {
  readonly key: string
  readonly path: string
}

/** One source of a volume; without items every key is a file. */
interface VolumeSource {
  readonly source: string
  readonly items: readonly Item[] | undefined
}

/** The Secrets and ConfigMaps in a volume. */
export function sourcesIn({ secret, configMap, projected }: Volume): readonly VolumeSource[] {
  return [
    { secret: secret && { name: secret.secretName, items: secret.items }, configMap },
    ...(projected?.sources ?? []),
  ].flatMap((one) => [
    ...(one.secret === undefined ? [] : [{ source: `Secret/${one.secret.name ?? ''}`, items: one.secret.items }]),
    ...(one.configMap === undefined
      ? []
      : [{ source: `ConfigMap/${one.configMap.name ?? ''}`, items: one.configMap.items }]),
  ])
}

/** Every Secret and ConfigMap that a workload uses. */
export function sourcesOf(workload: Workload): readonly Source[] {
  const inVolumes = [...volumes(workload).values()].flatMap(sourcesIn)
  const inVariables = containers(workload).flatMap(({ env = [], envFrom = [] }) => [
    ...envFrom.flatMap(({ configMapRef, secretRef }) => [
      ...(configMapRef === undefined ? [] : [{ source: `ConfigMap/${configMapRef.name ?? ''}`, keys: [] }]),
      ...(secretRef === undefined ? [] : [{ source: `Secret/${secretRef.name ?? ''}`, keys: [] }]),
    ]),
    ...env.flatMap(({ valueFrom }) => [
      ...(valueFrom?.configMapKeyRef === undefined
        ? []
        : [{ source: `ConfigMap/${valueFrom.configMapKeyRef.name ?? ''}`, keys: [valueFrom.configMapKeyRef.key] }]),
      ...(valueFrom?.secretKeyRef === undefined
        ? []
        : [{ source: `Secret/${valueFrom.secretKeyRef.name ?? ''}`, keys: [valueFrom.secretKeyRef.key] }]),
    ]),
  ])
  return [...inVolumes.map(({ source, items = [] }) => ({ source, keys: items.map(({ key }) => key) })), ...inVariables]
}

/** Secrets that a container can read, in files or variables. */
export function secretsOf(workload: Workload, one: Container): readonly string[] {
  const mounted = (one.volumeMounts ?? []).flatMap(({ name }) => {
    const volume = volumes(workload).get(name)
    return volume === undefined ? [] : sourcesIn(volume)
  })
  const variables = sourcesOf({ ...workload, template: { spec: { containers: [one] } } })
  return [...mounted, ...variables].flatMap(({ source }) => (source.startsWith('Secret/') ? [source.slice(7)] : []))
}

/** Whether the container has such a file: from a Secret or ConfigMap whose items name it, or which may have any. */
export function hasFile(workload: Workload, one: Container, path: string): boolean {
  const mount = (one.volumeMounts ?? []).find(({ mountPath }) => path.startsWith(`${mountPath}/`))
  const volume = mount === undefined ? undefined : volumes(workload).get(mount.name)
  const name = path.slice((mount?.mountPath.length ?? 0) + 1)
  return (
    volume !== undefined &&
    sourcesIn(volume).some(({ items }) => items === undefined || items.some((item) => item.path === name))
  )
}

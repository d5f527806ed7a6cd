// Does everything that the manifests name exist: pods behind selectors, ports, volumes, keys, accounts.
import type { Container, ContainerPort, Probe, Service } from 'kubernetes-types/core/v1.d.ts'
import { sourcesOf } from './files.ts'
import { container, containers, nameOf, nodes, ofKind, podLabels, selects, volumes, workloads } from './objects.ts'
import type { KubernetesObject, Workload } from './objects.ts'
import { broken } from './rules.ts'

type Objects = readonly KubernetesObject[]
/** Secrets that a person makes: their keys by name. */
export type ForeignSecrets = Readonly<Record<string, readonly string[]>>

/** Selectors find pods: those of their own workload, and nobody else's. */
export function danglingSelectors(objects: Objects): readonly string[] {
  const all = workloads(objects)
  const own = all.flatMap(({ name, object, template }) => {
    const selector = object.spec?.selector ?? {}
    const found = all.filter((one) => selects(selector, podLabels(one))).map((one) => one.name)
    const spread = (template.spec?.topologySpreadConstraints ?? [])
      .filter(({ labelSelector = {} }) => !selects(labelSelector, template.metadata?.labels ?? {}))
      .map(({ topologyKey }) => `${name}: the spread over ${topologyKey} does not count its own pods`)
    return found.join() === name ? spread : [`${name}: its selector finds ${found.join(', ') || 'no pods'}`, ...spread]
  })
  const services = ofKind(objects, 'Service').map(
    (one) => [nameOf(one), { matchLabels: one.spec?.selector ?? {} }] as const,
  )
  const budgets = ofKind(objects, 'PodDisruptionBudget').map((one) => [nameOf(one), one.spec?.selector ?? {}] as const)
  const others = [...services, ...budgets]
    .filter(([, selector]) => !all.some((one) => selects(selector, podLabels(one))))
    .map(([name]) => `${name}: its selector finds no pods`)
  return [...own, ...others]
}

/** Ports of Services, probes and hooks are those of a container of the pods that they lead to. */
export function danglingPorts(objects: Objects): readonly string[] {
  const all = workloads(objects)
  const behind = (service: Service): readonly Workload[] =>
    all.filter((one) => selects({ matchLabels: service.spec?.selector ?? {} }, podLabels(one)))
  const services = ofKind(objects, 'Service').flatMap((service) =>
    (service.spec?.ports ?? []).flatMap(({ port, targetPort = port }) =>
      behind(service)
        .filter(
          (workload) => !portsOf(workload).some((one) => one.name === targetPort || one.containerPort === targetPort),
        )
        .map(({ name }) => `${nameOf(service)}: no container of ${name} has a port ${targetPort}`),
    ),
  )
  const probes = all.flatMap((workload) =>
    containers(workload).flatMap((one) =>
      probesOf(one)
        .filter(({ port }) => !portsOf(workload).some(({ containerPort }) => containerPort === port))
        .map(
          ({ what, port }) =>
            `${workload.name}: ${what} of ${one.name} asks port ${port}, which no container there has`,
        ),
    ),
  )
  return [...services, ...probes]
}

function portsOf(workload: Workload): readonly ContainerPort[] {
  return containers(workload).flatMap(({ ports = [] }) => ports)
}

/** The HTTP probes of a container. A port's name would be looked for in the container itself, so it has to be a number. */
function probesOf({
  readinessProbe,
  livenessProbe,
  startupProbe,
}: Container): readonly { what: string; port: string | number }[] {
  const given: Readonly<Record<string, Probe | undefined>> = { readinessProbe, livenessProbe, startupProbe }
  return Object.entries(given).flatMap(([what, probe]) =>
    probe?.httpGet === undefined ? [] : [{ what, port: probe.httpGet.port }],
  )
}

/** Every mount has its volume, every volume a mount, every path one volume. */
export function danglingVolumes(objects: Objects): readonly string[] {
  return workloads(objects).flatMap((workload) => {
    const known = volumes(workload)
    const mounts = containers(workload).flatMap(({ name, volumeMounts = [] }) =>
      volumeMounts.map((mount) => ({ at: `${workload.name}: container ${name}`, ...mount })),
    )
    const paths = mounts.map(({ at, mountPath }) => `${at} mounts ${mountPath}`)
    return [
      ...mounts
        .filter(({ name }) => !known.has(name))
        .map(({ at, name }) => `${at} mounts ${name}, which is no volume`),
      ...paths.filter((one, index) => paths.indexOf(one) !== index).map((one) => `${one} twice`),
      ...[...known.keys()]
        .filter((name) => !mounts.some((mount) => mount.name === name))
        .map((name) => `${workload.name}: nobody mounts ${name}`),
    ]
  })
}

/** Secrets and ConfigMaps that are used exist, with the keys that are used. */
export function danglingSources(objects: Objects, foreign: ForeignSecrets): readonly string[] {
  const known = new Map<string, readonly string[]>([
    ...Object.entries(foreign).map(([name, keys]) => [`Secret/${name}`, keys] as const),
    ...ofKind(objects, 'ConfigMap').map((one) => [nameOf(one), Object.keys(one.data ?? {})] as const),
    ...ofKind(objects, 'Secret').map((one) => [nameOf(one), Object.keys({ ...one.data, ...one.stringData })] as const),
    // Kubernetes puts it into every namespace.
    ['ConfigMap/kube-root-ca.crt', ['ca.crt']],
  ])
  return workloads(objects).flatMap((workload) =>
    sourcesOf(workload).flatMap(({ source, keys }) => {
      const there = known.get(source)
      if (there === undefined) return [`${workload.name}: uses ${source}, which does not exist`]
      return keys
        .filter((key) => !there.includes(key))
        .map((key) => `${workload.name}: uses ${key} of ${source}, which has ${there.join(', ')}`)
    }),
  )
}

/** Accounts and roles that are named exist. */
export function danglingAccounts(objects: Objects): readonly string[] {
  const names = new Set(objects.map(nameOf))
  const wanted = [
    ...workloads(objects).flatMap(({ name, template }) => {
      const account = template.spec?.serviceAccountName
      return account === undefined ? [] : [[name, `ServiceAccount/${account}`] as const]
    }),
    ...ofKind(objects, 'RoleBinding').flatMap((binding) => [
      [nameOf(binding), `Role/${binding.roleRef.name}`] as const,
      ...(binding.subjects ?? []).map(({ kind, name }) => [nameOf(binding), `${kind}/${name}`] as const),
    ]),
  ]
  return wanted
    .filter(([, name]) => !names.has(name))
    .map(([user, name]) => `${user}: uses ${name}, which does not exist`)
}

/** A StatefulSet's Service gives its pods names, also while they are not ready: a node is ready only once it is registered. */
export function namelessPods(objects: Objects): readonly string[] {
  return nodes(objects).flatMap((workload) => {
    const { spec } = workload.object
    const wanted = spec !== undefined && 'serviceName' in spec ? spec.serviceName : undefined
    const service = ofKind(objects, 'Service').find(({ metadata }) => metadata?.name === wanted)?.spec
    if (service === undefined) return [`${workload.name}: its Service ${wanted} does not exist`]
    return broken(workload.name, {
      [`its Service ${wanted} is not headless`]: service.clusterIP === 'None',
      [`${wanted} hides pods that are not ready`]: service.publishNotReadyAddresses === true,
      [`its Service ${wanted} does not lead to its pods`]: selects(
        { matchLabels: service.selector ?? {} },
        podLabels(workload),
      ),
    })
  })
}

/** A hook or command that lies in a volume needs that volume in its container, and the same one where it is made. */
export function sharedVolume(workload: Workload, path: string, names: readonly string[]): readonly string[] {
  const found = names.map((name) => ({ name, volume: volumeAt(container(workload, name), path) }))
  return found
    .filter(({ volume }) => volume === undefined || volume !== found[0]?.volume)
    .map(
      ({ name, volume }) => `${workload.name}: ${path} of ${name} is ${volume ?? 'no volume'}, not ${found[0]?.volume}`,
    )
}

/** Name of the volume that is mounted at this very path. */
function volumeAt({ volumeMounts = [] }: Container, path: string): string | undefined {
  return volumeMounts.find(({ mountPath }) => mountPath === path)?.name
}

// A Citus cluster in a namespace of its own, from overlays/dev, with the images under test; nothing of it is left afterwards.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { eventually } from '../../deploy/local/eventually.ts'
import { buildText, manifests } from '../support/kubernetes/kustomize.ts'
import type { KubernetesObject } from '../support/kubernetes/objects.ts'
import { images } from './images.ts'
import { apply, kubectl, post } from './kubectl.ts'
import { makeVolumes } from './volumes.ts'

/** Long enough for a machine that does other things too, milliseconds. */
export const patience = 300_000

const podSchema = z.object({
  metadata: z.object({ name: z.string(), uid: z.string() }),
  status: z.object({
    phase: z.string(),
    conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
    containerStatuses: z
      .array(
        z.object({ name: z.string(), ready: z.boolean(), restartCount: z.number(), started: z.boolean().optional() }),
      )
      .default([]),
  }),
})

const setSchema = z.object({
  metadata: z.object({ generation: z.number() }),
  spec: z.object({ replicas: z.number() }),
  status: z.object({
    observedGeneration: z.number(),
    currentRevision: z.string(),
    updateRevision: z.string(),
    readyReplicas: z.number().default(0),
  }),
})

export type Pod = z.infer<typeof podSchema>

/** How the sidecar runs in its pod. */
export type Form = 'container' | 'native'

export interface KubeOptions {
  readonly form?: Form
  readonly workers?: number
  readonly poolers?: number
  /** Settings of all sidecars. */
  readonly settings?: Readonly<Record<string, string>>
  /** Further patches, as kustomize reads them. */
  readonly patches?: readonly { readonly target: string; readonly patch: readonly object[] }[]
}

/** The kustomization of overlays/dev with what a test changes. */
async function objectsOf(
  namespace: string,
  storageClass: string | undefined,
  { form = 'container', workers = 2, poolers = 2, settings = {}, patches = [] }: KubeOptions,
): Promise<readonly KubernetesObject[]> {
  const replace = (path: string, value: unknown): object => ({ op: 'replace', path, value })
  const changes = [
    { target: 'kind: StatefulSet, name: citus-worker', patch: [replace('/spec/replicas', workers)] },
    { target: 'kind: Deployment, name: citus-pooler', patch: [replace('/spec/replicas', poolers)] },
    ...(storageClass === undefined
      ? []
      : [
          {
            target: 'kind: StatefulSet',
            patch: [{ op: 'add', path: '/spec/volumeClaimTemplates/0/spec/storageClassName', value: storageClass }],
          },
        ]),
    ...Object.entries(settings).map(([name, value]) => ({
      target: 'kind: ConfigMap, name: citus-settings',
      patch: [{ op: 'add', path: `/data/${name}`, value }],
    })),
    ...patches,
  ]
  const overlay = join(manifests, 'overlays', 'dev')
  const dev = await readFile(join(overlay, 'kustomization.yaml'), 'utf8')
  const text = [
    dev.replaceAll('../../', 'kubernetes/').replace('components/sidecar-container', `components/sidecar-${form}`),
    `namespace: ${namespace}`,
    'images:',
    ...images.map(({ replaces, name, tag }) => `  - { name: ${replaces}, newName: ${name}, newTag: ${tag} }`),
    'patches:',
    ...changes.map(({ target, patch }) => `  - { target: { ${target} }, patch: '${JSON.stringify(patch)}' }`),
  ].join('\n')
  return await buildText(text, { 'overlay.conf': await readFile(join(overlay, 'overlay.conf'), 'utf8') })
}

export class KubeCluster implements AsyncDisposable {
  readonly namespace: string
  readonly #removeVolumes: () => Promise<void>
  /** From `apply` to the moment when every pod was ready, milliseconds. */
  readyMs = 0

  private constructor(namespace: string, removeVolumes: () => Promise<void>) {
    this.namespace = namespace
    this.#removeVolumes = removeVolumes
  }

  /** Installs a cluster and waits until every pod is ready. @throws what failed first, with nothing left. */
  static async install(name: string, options: KubeOptions = {}): Promise<KubeCluster> {
    const namespace = `citus-sidecar-${name}-${process.pid}`
    await kubectl('create', 'namespace', namespace)
    const { storageClass, remove } = await makeVolumes(namespace)
    const cluster = new KubeCluster(namespace, remove)
    try {
      const objects = await objectsOf(namespace, storageClass, options)
      const began = performance.now()
      await apply(namespace, objects)
      await cluster.allReady((options.workers ?? 2) + (options.poolers ?? 2) + 1)
      cluster.readyMs = performance.now() - began
      return cluster
    } catch (error) {
      process.stderr.write(`${await cluster.#describe()}\n`)
      await cluster[Symbol.asyncDispose]()
      throw error
    }
  }

  async kubectl(...args: readonly string[]): Promise<string> {
    return await kubectl('-n', this.namespace, ...args)
  }

  async apply(...objects: readonly object[]): Promise<void> {
    await apply(this.namespace, objects)
  }

  /** Pods that have not ended. */
  async pods(): Promise<readonly Pod[]> {
    const list = z
      .object({ items: z.array(podSchema) })
      .parse(JSON.parse(await this.kubectl('get', 'pods', '-o', 'json')))
    return list.items.filter(({ status }) => status.phase === 'Running' || status.phase === 'Pending')
  }

  async pod(name: string): Promise<Pod> {
    return podSchema.parse(JSON.parse(await this.kubectl('get', 'pod', name, '-o', 'json')))
  }

  /** Waits until there are so many pods of nodes and poolers, all ready. */
  async allReady(count: number): Promise<void> {
    await eventually(
      `${count} pods are ready`,
      async () => {
        const pods = (await this.pods()).filter(({ metadata }) => metadata.name.startsWith('citus-'))
        return pods.length === count && pods.every(isReady)
      },
      { deadline: patience, interval: 500 },
    )
  }

  async ready(name: string, wanted = true): Promise<Pod> {
    return await eventually(
      `${name} is ${wanted ? '' : 'not '}ready`,
      async () => {
        const pod = await this.pod(name)
        return isReady(pod) === wanted ? pod : undefined
      },
      { deadline: patience, interval: 200 },
    )
  }

  /** Waits until another pod of this name than `uid` is ready. */
  async returned(name: string, uid: string): Promise<Pod> {
    return await eventually(
      `${name} is back`,
      async () => {
        const pod = await this.pod(name)
        return pod.metadata.uid !== uid && isReady(pod) ? pod : undefined
      },
      { deadline: patience, interval: 200 },
    )
  }

  /** Waits until every pod of a StatefulSet has its newest template and is ready. */
  async rolledOut(set: string): Promise<void> {
    await eventually(
      `${set} is rolled out`,
      async () => {
        const { spec, status, metadata } = setSchema.parse(
          JSON.parse(await this.kubectl('get', 'statefulset', set, '-o', 'json')),
        )
        const seen = status.observedGeneration === metadata.generation
        return seen && status.currentRevision === status.updateRevision && status.readyReplicas === spec.replicas
      },
      { deadline: patience * 2, interval: 500 },
    )
  }

  /** Posts an object to a path of the API. */
  async post(path: string, object: object): Promise<void> {
    await post(path, object)
  }

  /** Runs a command in a container of a pod. */
  async exec(pod: string, container: string, ...command: readonly string[]): Promise<string> {
    return await this.kubectl('exec', pod, '-c', container, '--', ...command)
  }

  /** One statement as superuser on a node; rows as lines, columns separated by `|`. */
  async sql(pod: string, text: string): Promise<string> {
    return await this.exec(
      pod,
      'postgres',
      'psql',
      '-U',
      'postgres',
      '-d',
      'app',
      '-X',
      '-A',
      '-t',
      '-q',
      '-v',
      'ON_ERROR_STOP=1',
      '-c',
      text,
    )
  }

  async coordinator(text: string): Promise<string> {
    return await this.sql('citus-coordinator-0', text)
  }

  /** The page of a sidecar, asked from inside its pod. */
  async page(pod: string, path: string): Promise<{ readonly status: number; readonly body: string }> {
    const program = `fetch('http://127.0.0.1:9187${path}').then(async (answer) => console.log(JSON.stringify({ status: answer.status, body: await answer.text() })))`
    return z
      .object({ status: z.number(), body: z.string() })
      .parse(JSON.parse(await this.exec(pod, 'citus-sidecar', 'node', '-e', program)))
  }

  async #describe(): Promise<string> {
    const parts = await Promise.all([
      this.kubectl('get', 'pods', '-o', 'wide').catch(String),
      this.kubectl('get', 'events', '--sort-by=.lastTimestamp').catch(String),
      this.kubectl('logs', 'citus-coordinator-0', '-c', 'citus-sidecar', '--tail=20').catch(String),
    ])
    return parts.map((part) => part.slice(-6_000)).join('\n')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kubectl('delete', 'statefulset,deployment,job', '--all', '--wait=false').catch(() => undefined)
    await this.kubectl('delete', 'pods', '--all', '--grace-period=1', '--wait=false').catch(() => undefined)
    await kubectl('delete', 'namespace', this.namespace, '--wait=false')
    await eventually(
      `namespace ${this.namespace} is gone`,
      async () => (await kubectl('get', 'namespace', this.namespace, '--ignore-not-found')) === '',
      { deadline: patience, interval: 1_000 },
    )
    await this.#removeVolumes()
  }
}

export function isReady({ status, metadata }: Pod): boolean {
  return metadata.name !== '' && status.conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True')
}

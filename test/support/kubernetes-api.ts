// A Kubernetes API for tests, as far as a sidecar asks it: pods, StatefulSets, Events, over TLS and behind a bearer token; and the folder
// that Kubernetes mounts into a pod. Objects, rights and moods are what the test says.
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ApiPlace } from '../../agent/kubernetes/access.ts'
import { authority, serverCertificate, serverKey } from './certificates.ts'

export const namespace = 'db'
export const podUid = '6f0c8f6e-2f4f-4a5e-9a53-0d8c6a4f2b11'

/** What is bound into a token of ours. */
function tokenOf(pod: string | undefined, serial: number): string {
  const bound = pod === undefined ? {} : { 'kubernetes.io': { namespace, pod: { name: pod, uid: podUid } } }
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'RS256' })}.${part({ ...bound, serial })}.signature`
}

/** How the API refuses (a Status object). */
function refusal(code: number, message: string): object {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code }
}

type Mood = 'well' | 'silent' | 'dripping' | 'huge' | 'garbled' | 'broken'

export interface PodOptions {
  readonly deleting?: boolean
  readonly deletionGrace?: number
  readonly grace?: number
  /** The pod is evicted because its machine is drained. */
  readonly disrupted?: boolean
  /** Name of the StatefulSet that owns it. */
  readonly set?: string
}

/** A pod as the API shows it, with parts that nobody here reads. */
export function podObject(options: PodOptions = {}): object {
  const { deleting = false, deletionGrace = 30, grace = 120, disrupted = false, set } = options
  const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: set, uid: 'u', controller: true }
  const condition = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      uid: podUid,
      namespace,
      labels: { app: 'citus' },
      ...(set === undefined ? {} : { ownerReferences: [owner] }),
      ...(deleting ? { deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: deletionGrace } : {}),
    },
    spec: { containers: [{ name: 'postgres' }], terminationGracePeriodSeconds: grace },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }, ...(disrupted ? [condition] : [])] },
  }
}

/** A StatefulSet as the API shows it. */
export function setObject(replicas: number, start?: number): object {
  return { kind: 'StatefulSet', spec: { replicas, ...(start === undefined ? {} : { ordinals: { start } }) } }
}

export class KubernetesApi implements AsyncDisposable {
  readonly dir: string
  /** By path. */
  readonly objects = new Map<string, object>()
  /** Every request, as `GET /path`. */
  readonly asked: string[] = []
  readonly events: Record<string, unknown>[] = []
  /** What the service account may not do, as `GET pods`. */
  readonly denied = new Set<string>()
  mood: Mood = 'well'
  #pod: string | undefined
  #token = ''
  #serial = 0
  #port = 0
  #server: Server | undefined

  private constructor(dir: string, pod: string | undefined) {
    this.dir = dir
    this.#pod = pod
  }

  /** Listens, and mounts a token that is bound to the pod; to none where it has no name. */
  static async start(pod: string | undefined): Promise<KubernetesApi> {
    const api = new KubernetesApi(await mkdtemp(join(tmpdir(), 'kubernetes-api-')), pod)
    await api.mount('ca.crt', authority)
    await api.mount('namespace', namespace)
    await api.rotate()
    await api.arrive()
    return api
  }

  get place(): ApiPlace {
    return { host: 'localhost', port: this.#port, dir: this.dir }
  }

  /** The settings by which a sidecar finds it. */
  get env(): Readonly<Record<string, string>> {
    return {
      KUBERNETES_SERVICE_HOST: 'localhost',
      KUBERNETES_SERVICE_PORT: String(this.#port),
      CITUS_SIDECAR_SERVICE_ACCOUNT_DIR: this.dir,
    }
  }

  /** Replaces a file of the mounted folder. */
  async mount(name: string, text: string): Promise<void> {
    await writeFile(join(this.dir, name), text)
  }

  /** From now on another token is right, which is mounted too. */
  async rotate(): Promise<void> {
    this.#serial += 1
    this.#token = tokenOf(this.#pod, this.#serial)
    await this.mount('token', this.#token)
  }

  pod(name: string, options?: PodOptions): void {
    this.objects.set(`/api/v1/namespaces/${namespace}/pods/${name}`, podObject(options))
  }

  set(name: string, replicas: number, start?: number): void {
    this.objects.set(`/apis/apps/v1/namespaces/${namespace}/statefulsets/${name}`, setObject(replicas, start))
  }

  /** Nothing listens any more. */
  async leave(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }

  /** Listens again, on the same port. */
  async arrive(): Promise<void> {
    this.#server = createServer({ cert: serverCertificate, key: serverKey }, (request, answer) => {
      void this.#answer(request, answer)
    })
    this.#server.listen(this.#port, 'localhost')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave()
    await rm(this.dir, { recursive: true, force: true })
  }

  async #answer(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { method = '', url = '' } = request
    const { mood } = this
    this.asked.push(`${method} ${url}`)
    let body = ''
    for await (const part of request as AsyncIterable<Buffer>) body += part.toString()
    const send = (code: number, value: object): void => void answer.writeHead(code).end(JSON.stringify(value))
    if (mood === 'silent') return
    if (mood === 'dripping') return void answer.writeHead(200).write('{')
    if (mood === 'garbled') return void answer.writeHead(200).end('<html>')
    if (mood === 'broken') return void answer.writeHead(503).end('upstream is away')
    if (mood === 'huge') return void answer.writeHead(200).end(`"${'x'.repeat(3_000_000)}"`)
    if (request.headers.authorization !== `Bearer ${this.#token}`) return send(401, refusal(401, 'Unauthorized'))
    const resource = /\/namespaces\/[^/]+\/(\w+)/.exec(url)?.[1] ?? ''
    if (this.denied.has(`${method} ${resource}`))
      return send(403, refusal(403, `${resource} is forbidden: User "system:serviceaccount:db:citus" cannot do this`))
    if (method === 'POST' && url === `/api/v1/namespaces/${namespace}/events`) {
      const event = JSON.parse(body) as Record<string, unknown>
      this.events.push(event)
      return send(201, event)
    }
    const found = method === 'GET' ? this.objects.get(url) : undefined
    return found === undefined ? send(404, refusal(404, `${resource} not found`)) : send(200, found)
  }
}

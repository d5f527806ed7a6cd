// Why this node is asked to stop: from the Kubernetes API where a token is mounted, else it is taken as pod deletion.
import { readFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import { z } from 'zod'
import { reasonOf } from '../errors.ts'
import type { Cause } from './plan.ts'

/** Where the API is and who asks. */
export interface ApiAccess {
  readonly host: string
  readonly port: number
  readonly ca: string
  readonly token: string
  readonly namespace: string
}

const podSchema = z.object({
  metadata: z.object({
    deletionTimestamp: z.string().optional(),
    deletionGracePeriodSeconds: z.number().optional(),
    ownerReferences: z.array(z.object({ kind: z.string(), name: z.string() })).default([]),
  }),
  spec: z.object({ terminationGracePeriodSeconds: z.number().optional() }).default({}),
  status: z
    .object({ conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]) })
    .default({ conditions: [] }),
})
const setSchema = z.object({
  spec: z.object({
    replicas: z.number().default(1),
    ordinals: z.object({ start: z.number().default(0) }).default({ start: 0 }),
  }),
})

export type Pod = z.infer<typeof podSchema>

/** An answer of the API larger than this is not read, bytes. */
const largest = 1_048_576

/** Access as this process finds it (https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/); undefined outside Kubernetes or without a token. */
export async function apiAccess(host: string | undefined, port: number, dir: string): Promise<ApiAccess | undefined> {
  if (host === undefined) return undefined
  try {
    const [ca, token, namespace] = await Promise.all(
      ['ca.crt', 'token', 'namespace'].map(async (name) => (await readFile(join(dir, name), 'utf8')).trim()),
    )
    if (ca === undefined || token === undefined || namespace === undefined) return undefined
    return { host, port, ca, token, namespace }
  } catch {
    return undefined
  }
}

async function get(access: ApiAccess, path: string, signal: AbortSignal): Promise<unknown> {
  const { host, port, ca, token } = access
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const call = request(
    { host, port, path, ca, signal, headers: { authorization: `Bearer ${token}`, accept: 'application/json' } },
    (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (part: string) => {
        text += part
        if (text.length > largest) call.destroy(new Error(`GET ${path}: the answer is too long`))
      })
      answer.on('error', reject)
      answer.on('end', () => {
        if (answer.statusCode !== 200) return reject(new Error(`GET ${path}: HTTP ${answer.statusCode ?? '?'}`))
        try {
          resolve(JSON.parse(text))
        } catch (error) {
          reject(error)
        }
      })
    },
  )
  call.on('error', reject)
  call.end()
  return await promise
}

/** What was found, and how long the pod has by the API, seconds. */
export interface FoundCause {
  readonly cause: Cause
  readonly why: string
  readonly graceSeconds: number | undefined
}

/** The cause, from the pod and its StatefulSet; pure. `replicas` undefined: the set could not be read. */
export function causeOf(
  pod: Pod,
  ordinal: number | undefined,
  set: { first: number; replicas: number } | undefined,
): Cause {
  if (pod.metadata.deletionTimestamp === undefined) return 'container-restart'
  if (set !== undefined && ordinal !== undefined && ordinal >= set.first + set.replicas) return 'scale-down'
  const disrupted = pod.status.conditions.some(({ type, status }) => type === 'DisruptionTarget' && status === 'True')
  return disrupted ? 'node-drain' : 'pod-deletion'
}

/** Asks the API for this node's pod; never throws, for a drain must not depend on it. */
export async function findCause(
  access: ApiAccess | undefined,
  podName: string,
  signal: AbortSignal,
): Promise<FoundCause> {
  if (access === undefined) return { cause: 'pod-deletion', why: 'no Kubernetes API here', graceSeconds: undefined }
  try {
    const base = `/namespaces/${encodeURIComponent(access.namespace)}`
    const pod = podSchema.parse(await get(access, `/api/v1${base}/pods/${encodeURIComponent(podName)}`, signal))
    const owner = pod.metadata.ownerReferences.find(({ kind }) => kind === 'StatefulSet')
    const set =
      owner === undefined
        ? undefined
        : await readSet(access, `/apis/apps/v1${base}/statefulsets/${encodeURIComponent(owner.name)}`, signal)
    const ordinal = /-(\d+)$/.exec(podName)?.[1]
    return {
      cause: causeOf(pod, ordinal === undefined ? undefined : Number(ordinal), set),
      why: 'as the Kubernetes API says',
      graceSeconds: pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds,
    }
  } catch (error) {
    return {
      cause: 'pod-deletion',
      why: `the Kubernetes API could not be asked (${reasonOf(error)})`,
      graceSeconds: undefined,
    }
  }
}

async function readSet(
  access: ApiAccess,
  path: string,
  signal: AbortSignal,
): Promise<{ first: number; replicas: number } | undefined> {
  try {
    const { spec } = setSchema.parse(await get(access, path, signal))
    return { first: spec.ordinals.start, replicas: spec.replicas }
  } catch {
    // Without the right to read it scale-down looks like deletion, which keeps everything.
    return undefined
  }
}

// Why this node is asked to stop: from the Kubernetes API where a token is mounted, else it is taken as pod deletion.
import * as z from 'zod'
import { reasonOf } from '../errors.ts'
import { readAccess } from '../kubernetes/access.ts'
import type { ApiAccess, ApiPlace } from '../kubernetes/access.ts'
import { get } from '../kubernetes/ask.ts'
import { graceSecondsOf, pathOf, readOwnPod } from '../kubernetes/pod.ts'
import type { Pod } from '../kubernetes/pod.ts'
import type { Cause } from './plan.ts'

const setSchema = z.object({
  spec: z.object({
    replicas: z.number().default(1),
    ordinals: z.object({ start: z.number().default(0) }).default({ start: 0 }),
  }),
})

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

/** Asks the API for this node's pod; never throws, for a drain must not depend on it. `node` is the pod's name where the token does not say. */
export async function findCause(place: ApiPlace | undefined, node: string, signal: AbortSignal): Promise<FoundCause> {
  if (place === undefined) return { cause: 'pod-deletion', why: 'no Kubernetes API here', graceSeconds: undefined }
  try {
    const access = await readAccess(place)
    const pod = await readOwnPod(access, node, signal)
    const owner = pod.metadata.ownerReferences.find(({ kind }) => kind === 'StatefulSet')
    const set = owner === undefined ? undefined : await readSet(access, owner.name, signal)
    const ordinal = /-(\d+)$/.exec(access.pod?.name ?? node)?.[1]
    return {
      cause: causeOf(pod, ordinal === undefined ? undefined : Number(ordinal), set),
      why: 'as the Kubernetes API says',
      graceSeconds: graceSecondsOf(pod),
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
  name: string,
  signal: AbortSignal,
): Promise<{ first: number; replicas: number } | undefined> {
  try {
    const { spec } = setSchema.parse(await get(access, pathOf(access, 'apis/apps/v1', 'statefulsets', name), signal))
    return { first: spec.ordinals.start, replicas: spec.replicas }
  } catch {
    // Without the right to read it scale-down looks like deletion, which keeps everything.
    return undefined
  }
}

// A pod as far as this sidecar reads it, and where the API has the objects it asks for.
import * as z from 'zod'
import type { ApiAccess } from './access.ts'
import { get } from './ask.ts'

const podSchema = z.object({
  metadata: z.object({
    uid: z.string().optional(),
    deletionTimestamp: z.string().optional(),
    deletionGracePeriodSeconds: z.number().optional(),
    ownerReferences: z.array(z.object({ kind: z.string(), name: z.string() })).default([]),
  }),
  spec: z.object({ terminationGracePeriodSeconds: z.number().optional() }).default({}),
  status: z
    .object({ conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]) })
    .default({ conditions: [] }),
})

export type Pod = z.infer<typeof podSchema>

/** Path of a resource in the pod's own namespace; `api` is `api/v1` or `apis/GROUP/VERSION`. */
export function pathOf({ namespace }: ApiAccess, api: string, resource: string, name?: string): string {
  const parts = ['namespaces', namespace, resource, ...(name === undefined ? [] : [name])]
  return `/${api}/${parts.map(encodeURIComponent).join('/')}`
}

/** The pod this sidecar runs in; `fallback` is its name where the token does not say. @throws as get(). */
export async function readOwnPod(access: ApiAccess, fallback: string, signal: AbortSignal): Promise<Pod> {
  return podSchema.parse(await get(access, pathOf(access, 'api/v1', 'pods', access.pod?.name ?? fallback), signal))
}

/** How long the pod has to stop, seconds: a deletion may have set another time than its specification. */
export function graceSecondsOf({ metadata, spec }: Pod): number | undefined {
  return metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds
}

// Where the Kubernetes API is and as whom this pod asks it, from what Kubernetes mounts into the pod. Read anew for every call: a
// projected token is replaced while the pod runs.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import type { Config } from '../config.ts'
import { reasonOf } from '../errors.ts'

/** Where the API listens, and the folder with `token`, `ca.crt` and `namespace` (https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/). */
export interface ApiPlace {
  readonly host: string
  readonly port: number
  readonly dir: string
}

export interface ApiAccess {
  readonly host: string
  readonly port: number
  readonly ca: string
  readonly token: string
  readonly namespace: string
  /** The pod that the token is bound to; undefined where the token does not say (a token from a Secret). */
  readonly pod: { readonly name: string; readonly uid: string } | undefined
}

/** The place by configuration; undefined outside Kubernetes. */
export function placeOf(config: Config): ApiPlace | undefined {
  const { kubernetesHost: host, kubernetesPort: port, serviceAccountDir: dir } = config
  return host === undefined ? undefined : { host, port, dir }
}

/** What a bound token says of itself (https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#schema-for-service-account-private-claims). */
const claimsSchema = z.object({ 'kubernetes.io': z.object({ pod: z.object({ name: z.string(), uid: z.string() }) }) })

/** The pod in the token's claims. Not verified: it is our own, and nothing is allowed by it. */
function podOf(token: string): ApiAccess['pod'] {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    return claimsSchema.parse(claims)['kubernetes.io'].pod
  } catch {
    return undefined
  }
}

/** The access as it is now. @throws Error that names the file which cannot be read or is empty. */
export async function readAccess({ host, port, dir }: ApiPlace): Promise<ApiAccess> {
  const read = async (name: string): Promise<string> => {
    try {
      const text = (await readFile(join(dir, name), 'utf8')).trim()
      if (text !== '') return text
    } catch (error) {
      throw new Error(`no service account token is mounted here: ${reasonOf(error)}`, { cause: error })
    }
    throw new Error(`no service account token is mounted here: ${join(dir, name)} is empty`)
  }
  const [ca, token, namespace] = await Promise.all([read('ca.crt'), read('token'), read('namespace')])
  return { host, port, ca, token, namespace, pod: podOf(token) }
}

// The overlays, built once a test file, and what a person makes for them beforehand.
import { page, rowsUnder } from '../documents.ts'
import { build } from './kustomize.ts'
import type { KubernetesObject } from './objects.ts'
import type { ForeignSecrets } from './references.ts'

export type OverlayName = 'dev' | 'prod'

const built = new Map<string, Promise<readonly KubernetesObject[]>>()

/** The objects of `overlays/<name>`. */
export async function overlay(name: OverlayName): Promise<readonly KubernetesObject[]> {
  const known = built.get(name) ?? build(`overlays/${name}`)
  built.set(name, known)
  return await known
}

/** Secrets that README.md tells a person to make; the keys of citus-clients are theirs to choose. */
export function secretsInReadme(): ForeignSecrets {
  const rows = rowsUnder(page('deploy/kubernetes/README.md'), 'Secret', 'keys')
  return Object.fromEntries(rows.map(({ cells }) => [cells['Secret'] ?? '', (cells['keys'] ?? '').split(', ')]))
}

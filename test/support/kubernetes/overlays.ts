// The overlays, built once a test file, and what a person makes for them beforehand.
import { page, rowsUnder } from '../documents.ts'
import { build, buildText } from './kustomize.ts'
import type { KubernetesObject } from './objects.ts'
import type { ForeignSecrets } from './references.ts'

/** As they are, and with the component `statements` on top. */
export type OverlayName = 'dev' | 'prod' | 'dev with statements' | 'prod with statements'

const built = new Map<string, Promise<readonly KubernetesObject[]>>()

async function buildOverlay(name: OverlayName): Promise<readonly KubernetesObject[]> {
  const [folder, component] = name.split(' with ')
  if (component === undefined) return await build(`overlays/${folder}`)
  const head = 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n'
  return await buildText(
    `${head}resources: [kubernetes/overlays/${folder}]\ncomponents: [kubernetes/components/${component}]\n`,
  )
}

/** The objects of an overlay. */
export async function overlay(name: OverlayName): Promise<readonly KubernetesObject[]> {
  const known = built.get(name) ?? buildOverlay(name)
  built.set(name, known)
  return await known
}

/** Secrets that README.md tells a person to make; the keys of citus-clients are theirs to choose. */
export function secretsInReadme(): ForeignSecrets {
  const rows = rowsUnder(page('deploy/kubernetes/README.md'), 'Secret', 'keys')
  return Object.fromEntries(rows.map(({ cells }) => [cells['Secret'] ?? '', (cells['keys'] ?? '').split(', ')]))
}

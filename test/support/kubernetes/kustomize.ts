// Builds kustomizations with kubectl: those of the repository, and ones that a test writes on top of them.
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { runProgram } from '../../../deploy/local/run-program.ts'
import { root } from '../documents.ts'
import { findKubectl } from './kubectl.ts'
import type { KubernetesObject } from './objects.ts'

/** The folder of the manifests. */
export const manifests = join(root, 'deploy', 'kubernetes')

const kubectl = findKubectl()

/** Why a test that builds is skipped; false where it runs. */
export const withoutKubectl =
  kubectl === undefined ? 'needs kubectl: this machine has none, and the one from npm is for linux on x64' : false

/** The objects of one kustomization, by its path below deploy/kubernetes. @throws Error with what kubectl says. */
export async function build(path: string): Promise<readonly KubernetesObject[]> {
  return await buildFolder(join(manifests, path))
}

/** The objects of a kustomization that a test writes; `files` lie beside it, the manifests as `kubernetes`. */
export async function buildText(
  kustomization: string,
  files: Readonly<Record<string, string>> = {},
): Promise<readonly KubernetesObject[]> {
  const folder = await mkdtemp(join(tmpdir(), 'kustomize-'))
  try {
    for (const [name, text] of Object.entries({ ...files, 'kustomization.yaml': kustomization }))
      await writeFile(join(folder, name), text)
    await symlink(manifests, join(folder, 'kubernetes'))
    return await buildFolder(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function buildFolder(folder: string): Promise<readonly KubernetesObject[]> {
  const { code, stdout, stderr } = await runProgram(kubectl ?? 'kubectl', ['kustomize', folder], {
    env: { PATH: process.env['PATH'], HOME: folder },
  })
  if (code !== 0) throw new Error(stderr)
  // As Kubernetes reads it: 0440 is octal there.
  return parseAllDocuments(stdout, { version: '1.1' }).map((document) => document.toJS() as KubernetesObject)
}

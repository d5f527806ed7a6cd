// Volumes for a cluster that provides none: folders of this machine, which then is its only node.
import { chmod, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { apply, kubectl } from './kubectl.ts'

const ground = '/var/tmp/citus-sidecar-kube'
/** Enough for the coordinator and as many workers as a scenario scales to, each with a second volume after the first was lost. */
const count = 8

/** The storage class to use, and what removes the volumes; the cluster's own class where it has a default one. */
export async function makeVolumes(
  namespace: string,
): Promise<{ readonly storageClass: string | undefined; remove: () => Promise<void> }> {
  const given = process.env['KUBE_STORAGE_CLASS']
  if (given !== undefined && given !== '') return { storageClass: given, remove: async () => await Promise.resolve() }
  const usual = await kubectl('get', 'storageclass', '-o', 'jsonpath={.items[*].metadata.annotations}')
  if (usual.includes('is-default-class'))
    return { storageClass: undefined, remove: async () => await Promise.resolve() }
  const names = Array.from({ length: count }, (_, index) => `${namespace}-${index}`)
  for (const name of names) {
    await mkdir(join(ground, name), { recursive: true })
    // As a provisioner would have given it to the pod's group.
    await chmod(join(ground, name), 0o777)
  }
  await apply(
    namespace,
    names.map((name) => ({
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name },
      spec: {
        storageClassName: namespace,
        capacity: { storage: '10Gi' },
        accessModes: ['ReadWriteOnce'],
        persistentVolumeReclaimPolicy: 'Retain',
        hostPath: { path: join(ground, name) },
      },
    })),
  )
  return {
    storageClass: namespace,
    remove: async () => {
      await kubectl('delete', 'pv', '--wait=false', ...names)
      for (const name of names) await rm(join(ground, name), { recursive: true, force: true })
    },
  }
}

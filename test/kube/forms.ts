// Which forms of the sidecar the cluster under test has.
import { kubectl } from './kubectl.ts'
import type { Form } from './kube-cluster.ts'

/** Every form, and why it cannot be tried here; false where it can (https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/). */
export async function forms(): Promise<readonly (readonly [form: Form, skip: string | false])[]> {
  const known = await kubectl('explain', 'pod.spec.initContainers.restartPolicy').then(
    () => true,
    () => false,
  )
  return [
    ['container', false],
    [
      'native',
      !known && 'needs native sidecars, which came with 1.29: init containers of this cluster have no restartPolicy',
    ],
  ]
}

// Which forms of the sidecar the cluster under test has.
import { kubectl } from './kubectl.ts'
import type { Form } from './kube-cluster.ts'

/** https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/: on by default since then */
const nativeSince = 29

/** Every form, and why it cannot be tried here; false where it can. */
export async function forms(): Promise<readonly (readonly [form: Form, skip: string | false])[]> {
  const version = await kubectl('version', '-o', 'json')
  const minor = Number(/"serverVersion"[\s\S]*?"minor": "(\d+)/.exec(version)?.[1])
  const skip = minor < nativeSince && `the cluster is of 1.${minor}, native sidecars came with 1.${nativeSince}`
  return [
    ['container', false],
    ['native', skip],
  ]
}

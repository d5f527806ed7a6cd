// Every pod is as the design wants it, in every overlay; each check is shown to fail.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { version } from '../../../agent/version.ts'
import { callsInCode, rightsGiven } from '../../support/kubernetes/access.ts'
import { testCheck } from '../../support/kubernetes/check.ts'
import { withoutKubectl } from '../../support/kubernetes/kustomize.ts'
import { containers, workloads } from '../../support/kubernetes/objects.ts'
import { overlay } from '../../support/kubernetes/overlays.ts'
import {
  superuserReaders,
  tooNewFor120,
  unguaranteed,
  unrestricted,
  wrongProbes,
} from '../../support/kubernetes/pods.ts'

const worker = 'StatefulSet/citus-worker'
const coordinator = 'StatefulSet/citus-coordinator'
const pooler = 'Deployment/citus-pooler'
const pod = 'spec.template.spec'
const sidecar = `${pod}.initContainers.citus-sidecar`
const postgres = `${pod}.containers.postgres`
const pgbouncer = `${pod}.containers.pgbouncer`

testCheck('pods are restricted', unrestricted, [
  [worker, `${pod}.hostNetwork`, true, /shares something with its machine/],
  [worker, `${pod}.securityContext.runAsNonRoot`, undefined, /may run as root/],
  [worker, `${pod}.securityContext.seccompProfile`, undefined, /no seccomp profile/],
  [worker, `${pod}.automountServiceAccountToken`, undefined, /token/],
  [worker, `${pod}.volumes.tmp`, { name: 'tmp', hostPath: { path: '/tmp' } }, /volume tmp/],
  [worker, `${postgres}.securityContext.capabilities.add`, ['CHOWN'], /postgres: keeps/],
  [worker, `${sidecar}.securityContext.allowPrivilegeEscalation`, undefined, /citus-sidecar: may gain/],
  [pooler, `${pod}.initContainers.userlist.securityContext`, undefined, /userlist: can write/],
  [worker, `${pod}.containers.bootstrap.securityContext.runAsUser`, 0, /bootstrap: runs as root/],
  [pooler, `${pgbouncer}.image`, 'pgbouncer:latest', /pgbouncer: has an image without/],
  [pooler, `${pgbouncer}.image`, 'registry:5000/pgbouncer', /pgbouncer: has an image without/],
])

testCheck("the superuser's password is where it is needed", superuserReaders, [
  [worker, `${sidecar}.volumeMounts.socket.name`, 'passwords', /citus-sidecar can read/],
  [worker, `${sidecar}.volumeMounts.citus-sidecar-password.name`, 'citus-superuser-password', /citus-sidecar can read/],
  [
    worker,
    `${sidecar}.env.POD`,
    { name: 'P', valueFrom: { secretKeyRef: { name: 'citus-superuser', key: 'password' } } },
    /citus-sidecar can read/,
  ],
])

testCheck('probes ask the right one', wrongProbes, [
  [worker, `${postgres}.readinessProbe.httpGet.path`, '/livez', /not ready by the sidecar/],
  [worker, `${postgres}.readinessProbe.failureThreshold`, 3, /unready while its sidecar restarts/],
  [worker, `${postgres}.readinessProbe.timeoutSeconds`, 5, /asked for longer/],
  [worker, `${postgres}.livenessProbe`, { tcpSocket: { port: 5432 } }, /postgres can be killed/],
  [pooler, `${pgbouncer}.startupProbe`, { tcpSocket: { port: 6432 } }, /pgbouncer can be killed/],
  [worker, `${sidecar}.livenessProbe.httpGet.path`, '/readyz', /alive by its own/],
  [worker, `${sidecar}.readinessProbe`, {}, /couples/],
  [worker, `${sidecar}.startupProbe`, {}, /deadlocks/],
  [worker, `${sidecar}.lifecycle`, {}, /hook without need/],
])

testCheck(
  'resources are guaranteed',
  unguaranteed,
  [
    [worker, `${postgres}.resources.limits.cpu`, undefined, /postgres is not/],
    [worker, `${sidecar}.resources.requests.memory`, '96Mi', /citus-sidecar is not/],
    [pooler, `${pod}.initContainers.userlist.resources`, undefined, /userlist is not/],
  ],
  ['prod'],
)

testCheck(
  'Kubernetes 1.20 knows everything',
  tooNewFor120,
  [
    [worker, `${pod}.initContainers`, [{ name: 'early', restartPolicy: 'Always' }], /early is a native sidecar/],
    [worker, 'spec.minReadySeconds', 10, /minReadySeconds/],
    [coordinator, 'apiVersion', 'policy/v1', /policy\/v1/],
  ],
  ['dev'],
)

test('a sidecar has exactly the rights that its code uses', { skip: withoutKubectl }, async () => {
  const used = callsInCode()
  assert.deepEqual(rightsGiven(await overlay('dev')), used)
  assert.ok(used.length > 1)
})

test("every image of the sidecar is this version's", { skip: withoutKubectl }, async () => {
  for (const name of ['dev', 'prod'] as const) {
    const images = workloads(await overlay(name)).flatMap((one) => containers(one).map(({ image = '' }) => image))
    const ours = images.filter((image) => image.startsWith('citus-sidecar'))
    assert.deepEqual(new Set(ours), new Set([`citus-sidecar:${version}`]))
  }
})

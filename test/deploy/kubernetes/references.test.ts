// Everything that the manifests name exists, and Kubernetes knows every field; each check is shown to fail.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { testCheck } from '../../support/kubernetes/check.ts'
import type { Breakage } from '../../support/kubernetes/check.ts'
import { changed } from '../../support/kubernetes/edit.ts'
import { withoutKubectl } from '../../support/kubernetes/kustomize.ts'
import { nameOf, ofKind } from '../../support/kubernetes/objects.ts'
import type { KubernetesObject } from '../../support/kubernetes/objects.ts'
import { overlay, secretsInReadme } from '../../support/kubernetes/overlays.ts'
import {
  danglingAccounts,
  danglingPorts,
  danglingSelectors,
  danglingSources,
  danglingVolumes,
  namelessPods,
} from '../../support/kubernetes/references.ts'
import { againstSchema } from '../../support/kubernetes/schema.ts'

const worker = 'StatefulSet/citus-worker'
const pod = 'spec.template.spec'

suite('Kubernetes knows every field and its type', { skip: withoutKubectl }, () => {
  for (const name of ['dev', 'prod'] as const)
    test(`of overlay ${name}`, async () => assert.deepEqual(await againstSchema(await overlay(name)), []))

  const wrong: readonly Breakage[] = [
    [worker, `${pod}.containers.postgres.readynessProbe`, {}, /'"readynessProbe"' does not exist in type 'Container'/],
    [worker, `${pod}.initContainers.citus-sidecar.restartPolicies`, 'Always', /restartPolicies/],
    [worker, `${pod}.containers.postgres.resources.limits.memory`, 8, /'number' is not assignable to type 'string'/],
    [worker, 'spec.serviceName', undefined, /'serviceName' is missing/],
    [worker, 'apiVersion', 'apps/v2', /"apps\/v2"/],
    ['ConfigMap/citus-settings', 'data.CITUS_SIDECAR_GRACE_PERIOD', 120, /'number'/],
    ['PodDisruptionBudget/citus', 'spec.minimum', 1, /'"minimum"' does not exist/],
    ['Service/citus', 'spec.ports.postgres.port', '5432', /'string'/],
  ]
  test('and not one that is wrong', async () => {
    const objects = await overlay('prod')
    const found = await againstSchema(
      wrong.flatMap(([name, path, to], index) => {
        const broken = changed(objects, [name, path, to]).find((object) => nameOf(object) === name)
        return broken === undefined ? [] : [{ ...broken, metadata: { ...broken.metadata, name: `wrong-${index}` } }]
      }) as readonly KubernetesObject[],
    )
    for (const [index, [, path, , says]] of wrong.entries()) {
      const own = found.filter((line) => line.includes(`/wrong-${index}:`))
      assert.ok(
        own.some((line) => says.test(line)),
        `${path}: ${own.join('\n')}`,
      )
    }
  })

  test('nor a kind that is none', async () => {
    const [service] = ofKind(await overlay('dev'), 'Service')
    const found = await againstSchema([{ ...service, kind: 'Servise' } as unknown as KubernetesObject])
    assert.match(found.join(), /no schema is known/)
  })
})

const foreign = secretsInReadme()
testCheck('selectors find the pods that they are for', danglingSelectors, [
  [worker, 'spec.selector.matchLabels.app~kubernetes~io/component', 'w', /finds no pods/],
  [
    worker,
    'spec.selector.matchLabels.app~kubernetes~io/component',
    undefined,
    /finds StatefulSet\/citus-coordinator, /,
  ],
  ['Service/citus-pooler', 'spec.selector.app~kubernetes~io/component', 'p', /Service\/citus-pooler: .* no pods/],
  [
    'PodDisruptionBudget/citus',
    'spec.selector.matchLabels.app~kubernetes~io/name',
    'c',
    /PodDisruptionBudget\/citus: /,
  ],
  ['PodDisruptionBudget/citus-pooler', 'spec.selector', {}, /PodDisruptionBudget\/citus-pooler: /],
  [
    worker,
    `${pod}.topologySpreadConstraints.0.labelSelector.matchLabels.app~kubernetes~io/name`,
    'c',
    /spread over kubernetes.io\/hostname/,
  ],
])
testCheck('ports lead to containers', danglingPorts, [
  [
    'Service/citus',
    'spec.ports.postgres.targetPort',
    'postgresql',
    /no container of StatefulSet\/citus-coordinator has a port postgresql/,
  ],
  ['Deployment/citus-pooler', `${pod}.containers.pgbouncer.ports`, undefined, /Service\/citus-pooler: /],
  [worker, `${pod}.containers.postgres.readinessProbe.httpGet.port`, 9188, /readinessProbe of postgres asks port 9188/],
  [
    worker,
    `${pod}.initContainers.citus-sidecar.livenessProbe.httpGet.port`,
    'metrics',
    /livenessProbe of citus-sidecar asks port metrics/,
  ],
])
testCheck('mounts have volumes, and volumes mounts', danglingVolumes, [
  [worker, `${pod}.containers.postgres.volumeMounts.tmp.name`, 'temp', /mounts temp, which is no volume/],
  [worker, 'spec.volumeClaimTemplates.0.metadata.name', 'data', /mounts pgdata, which is no volume/],
  [worker, `${pod}.containers.postgres.volumeMounts.shm`, undefined, /nobody mounts shm/],
  [worker, `${pod}.containers.postgres.volumeMounts.shm.mountPath`, '/tmp', /mounts \/tmp twice/],
])
testCheck('Secrets and ConfigMaps have the keys that are used', (objects) => danglingSources(objects, foreign), [
  [
    worker,
    `${pod}.volumes.citus-sidecar-password.secret.secretName`,
    'sidecar',
    /Secret\/sidecar, which does not exist/,
  ],
  [
    worker,
    `${pod}.volumes.citus-sidecar-password.secret.items.0.key`,
    'pass',
    /uses pass of Secret\/citus-sidecar, which has password/,
  ],
  [
    worker,
    `${pod}.volumes.passwords.projected.sources.2.secret.items.0.key`,
    'pass',
    /uses pass of Secret\/citus-superuser/,
  ],
  [worker, `${pod}.containers.bootstrap.envFrom.0.configMapRef.name`, 'settings', /ConfigMap\/settings, which/],
  ['ConfigMap/citus-postgres', 'metadata.name', 'postgres', /ConfigMap\/citus-postgres, which/],
])
testCheck('accounts and roles exist', danglingAccounts, [
  [worker, `${pod}.serviceAccountName`, 'default', /ServiceAccount\/default/],
  ['RoleBinding/citus-sidecar', 'roleRef.name', 'sidecar', /Role\/sidecar/],
  ['RoleBinding/citus-sidecar', 'subjects.0.name', 'sidecar', /ServiceAccount\/sidecar/],
])
testCheck('pods have names, whether ready or not', namelessPods, [
  [worker, 'spec.serviceName', 'workers', /workers does not exist/],
  [worker, 'spec.serviceName', 'citus', /not headless/],
  [worker, 'spec.serviceName', 'citus-coordinator', /does not lead to its pods/],
  ['Service/citus-worker', 'spec.publishNotReadyAddresses', undefined, /hides pods/],
])

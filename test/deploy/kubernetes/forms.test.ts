// The two forms of the sidecar: equal but for what makes them two, and fit for every StatefulSet that has a container `postgres`.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { StatefulSet } from 'kubernetes-types/apps/v1.d.ts'
import { changed } from '../../support/kubernetes/edit.ts'
import { build, buildText, withoutKubectl } from '../../support/kubernetes/kustomize.ts'
import { container, containers, nodes, ofKind } from '../../support/kubernetes/objects.ts'
import type { KubernetesObject } from '../../support/kubernetes/objects.ts'
import { overlay } from '../../support/kubernetes/overlays.ts'
import { disagreements, refusedSettings } from '../../support/kubernetes/settings.ts'

const head = 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n'

/** The base with one form of the sidecar. */
async function withForm(form: 'native' | 'container'): Promise<readonly KubernetesObject[]> {
  return await buildText(`${head}resources: [kubernetes/base]\ncomponents: [kubernetes/components/sidecar-${form}]\n`)
}

/** Everything with the sidecar taken out of its place and put beside it, without what only one form needs. */
function apart(objects: readonly KubernetesObject[]): unknown {
  return objects.map((object) => {
    const workload = nodes([object])[0]
    const spec = workload?.template.spec
    if (workload === undefined || spec === undefined) return object
    const { restartPolicy: _, lifecycle: __, ...sidecar } = container(workload, 'citus-sidecar')
    const without = <T extends { name: string }>(list: readonly T[] = []): readonly T[] =>
      list.filter(({ name }) => name !== 'citus-sidecar')
    const rest = { ...spec, initContainers: without(spec.initContainers), containers: without(spec.containers) }
    const { 'citus-sidecar/form': ___, ...labels } = object.metadata?.labels ?? {}
    return {
      sidecar,
      object: {
        ...object,
        metadata: { ...object.metadata, labels },
        spec: { ...workload.object.spec, template: { ...workload.template, spec: rest } },
      },
    }
  })
}

suite('the two forms of the sidecar', { skip: withoutKubectl }, () => {
  test('are equal but for the place of the container', async () => {
    const [native, plain] = [await withForm('native'), await withForm('container')]
    assert.deepEqual(apart(native), apart(plain))
    const other = changed(plain, [
      'StatefulSet/citus-worker',
      'spec.template.spec.containers.citus-sidecar.livenessProbe.periodSeconds',
      5,
    ])
    assert.notDeepEqual(apart(native), apart(other))
    const hook = changed(plain, [
      'StatefulSet/citus-worker',
      'spec.template.spec.containers.postgres.lifecycle',
      undefined,
    ])
    assert.notDeepEqual(apart(native), apart(hook))
  })

  test('start before PostgreSQL', async () => {
    for (const form of ['native', 'container'] as const)
      for (const workload of nodes(await withForm(form)))
        assert.deepEqual(
          containers(workload).map(({ name }) => name),
          ['citus-sidecar', 'postgres'],
        )
  })

  test('are what their names say', async () => {
    for (const workload of nodes(await withForm('native'))) {
      assert.equal(container(workload, 'citus-sidecar').restartPolicy, 'Always')
      assert.ok(workload.template.spec?.initContainers?.some(({ name }) => name === 'citus-sidecar'))
    }
    for (const { template } of nodes(await withForm('container')))
      assert.ok(
        template.spec?.containers.some(
          ({ name, restartPolicy }) => name === 'citus-sidecar' && restartPolicy === undefined,
        ),
      )
  })

  const stranger = `apiVersion: apps/v1
kind: StatefulSet
metadata: { name: db, labels: { citus-sidecar/role: worker } }
spec:
  serviceName: db
  selector: { matchLabels: { app: db } }
  template:
    metadata:
      labels: { app: db, citus-sidecar/role: worker }
      annotations: { citus-sidecar/service: db, citus-sidecar/coordinator: coordinator.db }
    spec:
      terminationGracePeriodSeconds: 120
      containers:
        - name: exporter
          image: exporter:1
        - name: postgres
          image: postgres:17
          ports: [{ containerPort: 5432 }]
          volumeMounts: [{ name: data, mountPath: /var/lib/postgresql/data }]
      volumes: [{ name: data, emptyDir: {} }]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: other }
spec:
  serviceName: other
  selector: { matchLabels: { app: other } }
  template:
    metadata: { labels: { app: other } }
    spec: { containers: [{ name: postgres, image: postgres:17 }] }
`
  const files = {
    'stranger.yaml': stranger,
    'services.yaml': ['db', 'coordinator.db']
      .map((name) => `apiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { clusterIP: None }\n`)
      .join('---\n'),
  }
  const settings =
    'configMapGenerator:\n  - { name: citus-settings, literals: [PGDATABASE=app, CITUS_SIDECAR_GRACE_PERIOD=120s] }\n'
  for (const form of ['native', 'container'] as const)
    test(`as ${form}, fits any StatefulSet with the label, and leaves others alone`, async () => {
      const objects = await buildText(
        `${head}resources: [stranger.yaml, services.yaml]\ncomponents: [kubernetes/components/sidecar-${form}, kubernetes/components/bootstrap]\n${settings}`,
        files,
      )
      const [mine, other] = nodes(objects)
      assert.ok(mine !== undefined && other !== undefined)
      assert.deepEqual(
        containers(mine)
          .map(({ name }) => name)
          .toSorted(),
        ['bootstrap', 'citus-sidecar', 'exporter', 'postgres'],
      )
      assert.deepEqual(
        containers(other).map(({ name }) => name),
        ['postgres'],
      )
      const ours = objects.filter((object) => object !== other.object)
      assert.deepEqual([...refusedSettings(ours), ...disagreements(ours)], [])
      // What it had it keeps.
      assert.equal(container(mine, 'postgres').volumeMounts?.at(-1)?.mountPath, '/var/lib/postgresql/data')
    })
})

suite('overlays', { skip: withoutKubectl }, () => {
  test('take the grace period from one place', async () => {
    const merged = await buildText(
      `${head}resources: [kubernetes/overlays/dev]\nconfigMapGenerator:\n  - { name: citus-settings, behavior: merge, literals: [CITUS_SIDECAR_GRACE_PERIOD=45s] }\n` +
        `generatorOptions: { disableNameSuffixHash: true }\nreplacements:\n  - source: { kind: ConfigMap, name: citus-settings, fieldPath: data.CITUS_SIDECAR_GRACE_PERIOD, options: { delimiter: s } }\n` +
        `    targets:\n      - select: { kind: StatefulSet }\n        fieldPaths: [spec.template.spec.terminationGracePeriodSeconds]\n`,
    )
    for (const { template } of nodes(merged)) assert.equal(template.spec?.terminationGracePeriodSeconds, 45)
    for (const { template } of nodes(await overlay('prod')))
      assert.equal(template.spec?.terminationGracePeriodSeconds, 300)
  })

  test('let images, pull policies, replicas and storage classes be replaced', async () => {
    const objects = await buildText(
      `${head}resources: [kubernetes/overlays/dev]\nimages:\n  - { name: docker.io/citusdata/citus, newName: localhost/postgres, newTag: e2e }\n` +
        `  - { name: citus-sidecar, newName: localhost/citus-sidecar, newTag: e2e }\n  - { name: docker.io/edoburu/pgbouncer, newName: localhost/pgbouncer, newTag: e2e }\n` +
        `replicas: [{ name: citus-worker, count: 4 }]\npatches:\n  - target: { kind: StatefulSet }\n    patch: |-\n` +
        `      - { op: add, path: /spec/volumeClaimTemplates/0/spec/storageClassName, value: local }\n`,
    )
    const images = nodes(objects).flatMap((one) => containers(one).map(({ image }) => image))
    assert.deepEqual(new Set(images), new Set(['localhost/citus-sidecar:e2e', 'localhost/postgres:e2e']))
    for (const set of ofKind(objects, 'StatefulSet')) assert.equal(classOf(set), 'local')
    assert.equal(
      ofKind(objects, 'StatefulSet').find(({ metadata }) => metadata?.name === 'citus-worker')?.spec?.replicas,
      4,
    )
  })

  test('have nothing in them that the base alone does not need to be built', async () => {
    assert.ok((await build('base')).length > 5)
  })
})

function classOf({ spec }: StatefulSet): string | undefined {
  return spec?.volumeClaimTemplates?.[0]?.spec?.storageClassName
}

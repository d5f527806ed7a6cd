// A cluster comes up by DNS names alone, grows, and keeps away a node that returns without its data.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import { forms } from './forms.ts'
import { KubeCluster, patience } from './kube-cluster.ts'

for (const [form, skip] of await forms())
  suite(`a cluster on Kubernetes, sidecars of form ${form},`, { skip }, () => {
    let cluster: KubeCluster
    before(async () => {
      cluster = await KubeCluster.install('join', { form })
    })
    after(async () => await cluster[Symbol.asyncDispose]())

    const registered = async (): Promise<string> =>
      await cluster.coordinator(
        `select string_agg(n.groupid || ' ' || n.nodename, ',' order by n.groupid) from pg_dist_node n where n.isactive`,
      )
    const named = (count: number): string =>
      [
        `0 citus-coordinator-0.citus-coordinator.${cluster.namespace}.svc.cluster.local`,
        ...Array.from(
          { length: count },
          (_, index) => `${index + 1} citus-worker-${index}.citus-worker.${cluster.namespace}.svc.cluster.local`,
        ),
      ].join(',')

    test('is ready once every node is registered under its name', async (context) => {
      context.diagnostic(`${(cluster.readyMs / 1_000).toFixed(1)} s from apply until all pods were ready`)
      assert.equal(await registered(), named(2))
      const { status, body } = await cluster.page('citus-worker-0', '/readyz?verbose')
      assert.equal(status, 200, body)
    })

    test('registers what `kubectl scale` adds', async (context) => {
      await cluster.kubectl('scale', 'statefulset/citus-worker', '--replicas=4')
      await eventually('four workers are registered', async () => (await registered()) === named(4), {
        deadline: patience,
        interval: 500,
      })
      await cluster.allReady(7)
      const took = await Promise.all(
        ['citus-worker-2', 'citus-worker-3'].map(async (pod) => {
          const log = await cluster.kubectl('logs', pod, '-c', 'postgres')
          const accepting = /^(\S+ \S+) GMT .*ready to accept connections$/m.exec(log)?.[1]
          return await cluster.coordinator(
            `select round(extract(epoch from o.ended_at - '${accepting} GMT'::timestamptz)::numeric, 1)
               from citus_sidecar.operations o where o.member = '${pod}' and o.kind = 'add' and o.outcome = 'succeeded'`,
          )
        }),
      )
      context.diagnostic(
        `registered ${took.join(' s and ')} s after PostgreSQL accepted connections, its preparation by bootstrap included`,
      )
    })

    test('does not take a node that returns with an empty volume, and says so', async () => {
      const { metadata } = await cluster.pod('citus-worker-3')
      const volume = 'pgdata-citus-worker-3'
      await cluster.kubectl('delete', 'pvc', volume, '--wait=false')
      await cluster.kubectl('delete', 'pod', 'citus-worker-3', '--wait=true')
      await eventually('a new volume is there', async () => await cluster.kubectl('get', 'pvc', volume, '-o', 'name'), {
        deadline: patience,
        interval: 500,
      })
      await eventually(
        'it is refused',
        async () => {
          const { uid } = (await cluster.pod('citus-worker-3')).metadata
          const { status, body } = await cluster.page('citus-worker-3', '/readyz?verbose')
          return (
            uid !== metadata.uid &&
            status === 503 &&
            /^\[-\]registered failed: .* was never part of a cluster/m.test(body)
          )
        },
        { deadline: patience, interval: 1_000 },
      )
      await cluster.ready('citus-worker-3', false)
      assert.equal(await registered(), named(4), 'its registration is left as it was')
    })
  })

// Every node of a cluster restarted by Kubernetes itself while clients are at work: none of them notices.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { forms } from './forms.ts'
import { KubeCluster } from './kube-cluster.ts'
import { createLoadTable, KubeLoad } from './load.ts'

const workers = 3

// An old kubelet takes up to a minute until a deleted pod may be made again, and PgBouncer lets clients wait for two.
const settings = { CITUS_SIDECAR_HOLD_MAX: '100s' }
const pods = [...Array.from({ length: workers }, (_, index) => `citus-worker-${index}`), 'citus-coordinator-0']

/** Runs in a row, and transactions that each is to see at least. */
const runs = Number(process.env['KUBE_RUNS'] ?? 3)
const least = 20_000

for (const [form, skip] of await forms())
  suite(`rollout restart under load, sidecars of form ${form},`, { skip }, () => {
    let cluster: KubeCluster
    let load: KubeLoad
    before(async () => {
      cluster = await KubeCluster.install('restart', { form, workers, settings })
      await createLoadTable(cluster)
    })
    after(async () => await cluster[Symbol.asyncDispose]())

    for (let run = 1; run <= runs; run += 1)
      test(`of all workers, then of the coordinator, fails no transaction: run ${run} of ${runs}`, async (context) => {
        await cluster.coordinator('truncate load')
        load = await KubeLoad.start(cluster)
        for (const set of ['citus-worker', 'citus-coordinator']) {
          await cluster.kubectl('rollout', 'restart', `statefulset/${set}`)
          await cluster.rolledOut(set)
          await load.goesOn()
        }
        await load.reaches(least)
        const { transactions, failed, failures, missing, longestMs } = await load.stop()
        const waits = await Promise.all(
          pods.map(async (pod) => {
            const started = await cluster.sql(pod, 'select pg_postmaster_start_time()')
            return await cluster.coordinator(
              `select format('%s %s ms (down %s ms)', h.member, round(extract(epoch from h.released_at - h.requested_at) * 1000),
                             round(extract(epoch from '${started}'::timestamptz - p.began) * 1000 - p.took_ms))
                 from citus_sidecar.holds h join citus_sidecar.drain_phases p on p.operation = h.id and p.phase = 'keep'
                where h.member = '${pod}' order by h.requested_at desc limit 1`,
            )
          }),
        )
        const undone = await cluster.coordinator(
          `select coalesce(string_agg(p.member || ' ' || p.phase || ': ' || p.reason, '; '), '') from citus_sidecar.drain_phases p where p.outcome = 'failed'`,
        )
        context.diagnostic(
          `${failed} of ${transactions} failed, longest ${Math.round(longestMs)} ms; held: ${waits.join(', ')}; left undone: ${undone || 'nothing'}`,
        )
        await cluster.kubectl('delete', 'pod', 'load', '--wait=true')
        assert.deepEqual({ failed, missing, failures }, { failed: 0, missing: 0, failures: [] })
      })
  })

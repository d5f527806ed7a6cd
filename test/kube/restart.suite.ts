// Every node of a cluster restarted by Kubernetes itself while clients are at work: none of them notices.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { forms } from './forms.ts'
import { KubeCluster } from './kube-cluster.ts'
import { createLoadTable, KubeLoad } from './load.ts'

const workers = 3

/** Runs in a row, and transactions that each is to see at least. */
const runs = Number(process.env['KUBE_RUNS'] ?? 3)
const least = 20_000

for (const [form, skip] of await forms())
  suite(`rollout restart under load, sidecars of form ${form},`, { skip }, () => {
    let cluster: KubeCluster
    let load: KubeLoad
    before(async () => {
      cluster = await KubeCluster.install('restart', { form, workers })
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
        const waits = await cluster.coordinator(
          `select string_agg(h.member || ' ' || round(extract(epoch from h.released_at - h.requested_at) * 1000) || ' ms', ', ' order by h.requested_at)
           from (select * from citus_sidecar.holds order by requested_at desc limit ${workers + 1}) h`,
        )
        const undone = await cluster.coordinator(
          `select coalesce(string_agg(p.member || ' ' || p.phase || ': ' || p.reason, '; '), '') from citus_sidecar.drain_phases p where p.outcome = 'failed'`,
        )
        context.diagnostic(
          `${failed} of ${transactions} failed, longest ${Math.round(longestMs)} ms; held: ${waits}; left undone: ${undone || 'nothing'}`,
        )
        await cluster.kubectl('delete', 'pod', 'load', '--wait=true')
        assert.deepEqual({ failed, missing, failures }, { failed: 0, missing: 0, failures: [] })
      })
  })

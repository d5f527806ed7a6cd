// A load in the cluster itself: a pod of clients that talk to the poolers, and what came of it.
import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { eventually } from '../../deploy/local/eventually.ts'
import { images } from './images.ts'
import { patience } from './kube-cluster.ts'
import type { KubeCluster } from './kube-cluster.ts'

const lineSchema = z.object({
  done: z.boolean(),
  transactions: z.number(),
  failed: z.number(),
  failures: z.array(z.string()),
  longestMs: z.number(),
  /** Acknowledged writes that are not there; known at the end. */
  missing: z.number().optional(),
})

export type LoadLine = z.infer<typeof lineSchema>

/** The password that overlays/dev gives the role of clients. */
const password = 'only-for-development-3'

/** The role of clients and its table, distributed where Citus is real. */
export async function createLoadTable(cluster: KubeCluster): Promise<void> {
  await cluster.coordinator(`create role app login password '${password}'`)
  await cluster.coordinator('grant create on schema public to app')
  await cluster.coordinator('create table load (id bigint primary key, n integer not null)')
  await cluster.coordinator('alter table load owner to app')
  if (process.env['CITUS_FILES'] !== undefined)
    await cluster.coordinator("set role app; select create_distributed_table('load', 'id', shard_count => 8)")
}

export class KubeLoad {
  readonly #cluster: KubeCluster

  private constructor(cluster: KubeCluster) {
    this.#cluster = cluster
  }

  /** Starts the clients and waits until all are at work. */
  static async start(cluster: KubeCluster): Promise<KubeLoad> {
    const program = await readFile(new URL('load.mjs', import.meta.url), 'utf8')
    const [sidecar] = images
    await cluster.apply(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'load' }, data: { 'load.mjs': program } },
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'load' },
        spec: {
          restartPolicy: 'Never',
          containers: [
            {
              name: 'load',
              image: `${sidecar.name}:${sidecar.tag}`,
              imagePullPolicy: 'IfNotPresent',
              // Below the sidecar's program, so that its packages are found.
              command: ['node', '/app/load/load.mjs'],
              env: [{ name: 'LOAD_PASSWORD', value: password }],
              volumeMounts: [{ name: 'load', mountPath: '/app/load' }],
            },
          ],
          volumes: [{ name: 'load', configMap: { name: 'load' } }],
        },
      },
    )
    const load = new KubeLoad(cluster)
    await load.goesOn(100)
    return load
  }

  /** What the clients last said. */
  async last(): Promise<LoadLine> {
    const line = await this.#cluster.kubectl('logs', 'load', '--tail=1')
    return lineSchema.parse(JSON.parse(line))
  }

  /** Waits until so many further transactions were done. */
  async goesOn(count = 500): Promise<void> {
    const before = await this.last().catch(() => ({ transactions: 0 }))
    await eventually('the load goes on', async () => (await this.last()).transactions > before.transactions + count, {
      deadline: patience,
      interval: 500,
    })
  }

  /** Waits until so many transactions were done in all. */
  async reaches(count: number): Promise<void> {
    await eventually(`${count} transactions`, async () => (await this.last()).transactions >= count, {
      deadline: patience,
      interval: 1_000,
    })
  }

  /** Ends the clients; every write they were told of is looked for. */
  async stop(): Promise<LoadLine> {
    await this.#cluster.exec('load', 'load', 'sh', '-c', 'kill -TERM 1')
    return await eventually(
      'the load has ended',
      async () => {
        const line = await this.last()
        return line.missing === undefined ? undefined : line
      },
      { deadline: patience, interval: 500 },
    )
  }
}

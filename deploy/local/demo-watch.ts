// Looks at a cluster a few times a second, as Kubernetes and people do: /livez and /status of every sidecar, and the
// table that `citus-sidecar status` prints. Everything the demo says or checks comes from here.

import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod'
import type { Client } from 'pg'
import { clusterTable, readClusterStatus } from '../../agent/cluster/cluster-status.ts'
import type { ClusterStatus } from '../../agent/cluster/cluster-status.ts'
import type { DemoScreen } from './demo-screen.ts'
import type { LocalCluster } from './local-cluster.ts'
import type { LocalNode } from './local-node.ts'

const every = 200

const flip = z.object({ at: z.number(), verdict: z.string(), ok: z.boolean(), reason: z.string() })
const report = z.object({ flips: z.array(flip) })

/** One change of a verdict as a sidecar keeps it in /status; `at` in milliseconds since 1970. */
export type SeenFlip = z.infer<typeof flip> & { readonly node: string }

/** One answer of a sidecar's /livez; status 0 where there was none. */
export interface LivezAnswer {
  readonly node: string
  readonly at: number
  readonly status: number
}

/** Watches until it is disposed of. */
export class DemoWatch implements AsyncDisposable {
  readonly #cluster: LocalCluster
  readonly #screen: DemoScreen
  readonly #stop = new AbortController()
  readonly #loop: Promise<void>
  #session: Client | undefined
  #flips: readonly SeenFlip[] = []
  #livez: readonly LivezAnswer[] = []
  #status: ClusterStatus | undefined

  constructor(cluster: LocalCluster, screen: DemoScreen) {
    this.#cluster = cluster
    this.#screen = screen
    this.#loop = this.#watch()
  }

  /** Changes of verdicts that began at or after a moment, oldest first. */
  flips(since: number): readonly SeenFlip[] {
    return this.#flips.filter(({ at }) => at >= since)
  }

  /** Every answer of /livez since a moment. */
  livez(since: number): readonly LivezAnswer[] {
    return this.#livez.filter(({ at }) => at >= since)
  }

  /** Whether the cluster's table shows a node as ready; null where it shows that nobody knows. */
  tableSays(node: string): boolean | null | undefined {
    return this.#status?.nodes.find((line) => line.node === node)?.ready
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#loop
    this.#drop()
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      await Promise.all([...this.#cluster.nodes.map((node) => this.#look(node)), this.#readTable()])
      await sleep(every, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }

  async #look(node: LocalNode): Promise<void> {
    const { name, sidecar } = node
    const at = Date.now()
    const status = await sidecar.get('/livez').then(
      (answer) => answer.status,
      () => 0,
    )
    this.#livez = [...this.#livez.slice(-5_000), { node: name, at, status }]
    if (status === 0) return
    try {
      const { flips } = report.parse(JSON.parse((await sidecar.get('/status')).body))
      const known = this.#flips.filter((one) => one.node === name).at(-1)
      for (const one of flips.slice(known === undefined ? 0 : flips.findLastIndex((old) => isSame(old, known)) + 1)) {
        this.#flips = [...this.#flips, { node: name, ...one }]
        if (one.verdict === 'ready')
          this.#screen.say(`${name} is ${one.ok ? 'ready' : `not ready: ${one.reason}`}`, one.at)
      }
    } catch {
      // A sidecar that is about to end; /livez will say so.
    }
  }

  async #readTable(): Promise<void> {
    try {
      this.#session ??= await this.#cluster.coordinator.postgres.connect({ timeout: 2_000 })
      const session = this.#session
      const sql = {
        query: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
          (await session.query<Row>(text, [...values])).rows,
      }
      this.#status = await readClusterStatus(sql, Date.now())
      if (this.#status.nodes.length > 0) this.#screen.show(clusterTable(this.#status), gistOf(this.#status))
    } catch (error) {
      this.#drop()
      const reason = error instanceof Error ? error.message : String(error)
      if (!this.#stop.signal.aborted && this.#status !== undefined) {
        this.#status = undefined
        this.#screen.show(`the coordinator's PostgreSQL does not say who is in the cluster: ${reason}\n`, 'silent')
      }
    }
  }

  #drop(): void {
    const session = this.#session
    this.#session = undefined
    // A goodbye that a frozen server does not hear must not be waited for.
    void session?.end().catch(() => undefined)
  }
}

function isSame(a: z.infer<typeof flip>, b: z.infer<typeof flip>): boolean {
  return a.at === b.at && a.verdict === b.verdict && a.ok === b.ok
}

/** The table without what changes by the mere passing of time. */
function gistOf(status: ClusterStatus): string {
  return JSON.stringify(
    status.nodes.map(({ node, role, group, address, state, ready, reason }) => [
      node,
      role,
      group,
      address,
      state,
      ready,
      reason,
    ]),
  )
}

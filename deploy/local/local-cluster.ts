// A Citus cluster on this machine with a life: its nodes, and its end. start-cluster.ts makes one; openCluster takes
// over one that another process made.

import { describeServer, type ServerKind } from './binaries.ts'
import { type ClusterRecord, readRecord } from './cluster-record.ts'
import { LocalError } from './local-error.ts'
import { describeNode, type LocalNode } from './local-node.ts'
import { describePooler, type LocalPooler } from './local-pooler.ts'
import type { Passwords } from './postgres-files.ts'
import { removeWorkspace } from './workspace.ts'

/** The cluster in a folder, whoever started it. */
export function openCluster(dir: string): LocalCluster {
  return new LocalCluster(readRecord(dir))
}

/** A running cluster. */
export class LocalCluster implements AsyncDisposable {
  /** As recorded; the version of Citus comes once a server can be asked. */
  record: ClusterRecord
  readonly #onDown: (() => void)[] = []
  readonly nodes: readonly LocalNode[]
  readonly poolers: readonly LocalPooler[]

  constructor(record: ClusterRecord) {
    this.record = record
    this.nodes = record.nodes.map((plan) => describeNode(plan, record))
    this.poolers = record.poolers.map((plan) => describePooler(plan, record))
  }

  get dir(): string {
    return this.record.dir
  }

  get kind(): ServerKind {
    return this.record.binaries.citus
  }

  /** `Citus 13.2.2` or `Citus stand-in (control plane only)`. */
  get description(): string {
    return describeServer(this.kind, this.record.citusVersion)
  }

  get passwords(): Passwords {
    return this.record.passwords
  }

  get coordinator(): LocalNode {
    return this.node('coordinator')
  }

  get workers(): readonly LocalNode[] {
    return this.nodes.filter(({ role, standbyOf }) => role === 'worker' && standbyOf === undefined)
  }

  /**
   * The node of this name.
   * @throws LocalError, naming the nodes there are, when there is none.
   */
  node(name: string): LocalNode {
    const node = this.nodes.find((candidate) => candidate.name === name)
    if (node !== undefined) return node
    throw new LocalError(`there is no node "${name}"; there are ${this.nodes.map((known) => known.name).join(', ')}`)
  }

  /**
   * The pooler of this name.
   * @throws LocalError when there is none.
   */
  pooler(name: string): LocalPooler {
    const pooler = this.poolers.find((candidate) => candidate.name === name)
    if (pooler !== undefined) return pooler
    throw new LocalError(`there is no pooler "${name}"; there are ${this.poolers.length}`)
  }

  /** Calls `release` once the cluster is down. */
  onDown(release: () => void): void {
    this.#onDown.push(release)
  }

  /** Stops everything, sidecars first, and removes the folder; whatever does not stop in time is killed. */
  async down(): Promise<void> {
    const sidecars = [...this.nodes, ...this.poolers].map(({ sidecar }) => sidecar)
    await Promise.all(sidecars.map((sidecar) => sidecar.stop().catch(() => sidecar.kill())))
    await Promise.all(this.poolers.map(({ pgbouncer }) => pgbouncer.kill()))
    await Promise.all(this.nodes.map(({ postgres }) => postgres.stop('immediate').catch(() => postgres.kill())))
    this.endNow()
  }

  /** Kills everything and removes the folder without waiting: the end of a process that is itself about to end. */
  endNow(): void {
    for (const { sidecar, postgres } of this.nodes) {
      sidecar.killNow()
      postgres.endNow()
    }
    for (const { sidecar, pgbouncer } of this.poolers) {
      sidecar.killNow()
      pgbouncer.killNow()
    }
    removeWorkspace(this.record)
    for (const release of this.#onDown.splice(0)) release()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down()
  }
}

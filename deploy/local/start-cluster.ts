// Brings a local cluster up: servers in parallel, the product's own bootstrap, sidecars, the wait until all are ready.

import { hostname } from 'node:os'
import { OWN_AGENT } from './agent-command.ts'
import type { ServerKind } from './binaries.ts'
import { type NodePlan, planNodes, type StandbyWish } from './cluster-plan.ts'
import { type ClusterRecord, writeRecord } from './cluster-record.ts'
import { reservePort } from './free-ports.ts'
import { endWithProcess } from './leftovers.ts'
import { LocalCluster } from './local-cluster.ts'
import { LocalError } from './local-error.ts'
import type { LocalNode } from './local-node.ts'
import { poolerNames } from './local-pooler.ts'
import { installCitus, readCitusVersion } from './prepare-database.ts'
import { makeFolder, writeOwnedFile } from './server-user.ts'
import { becomeStandby, createVolume } from './volume.ts'
import { makeNodeFolder, makeWorkspace } from './workspace.ts'

type Environment = Readonly<Record<string, string>>

/** What the cluster is to be; everything but `workers` has a default. */
export interface ClusterOptions {
  readonly workers: number
  readonly standbys?: readonly StandbyWish[] | undefined
  /** PgBouncers in front of the coordinator, pooler-1 to pooler-n; none unless told. */
  readonly poolers?: number | undefined
  /** PgBouncer's settings of every pooler, on top of the planned ones. */
  readonly poolerSettings?: Environment | undefined
  /** A new or empty folder; a temporary one unless told. */
  readonly dir?: string | undefined
  /** Forces a kind of server; CITUS_SIDECAR_LOCAL_SERVER or what the machine has unless told. */
  readonly server?: ServerKind | undefined
  /**
   * What each server gets before its sidecar starts: `citus-sidecar bootstrap --create` (default), database and
   * extension alone, or nothing.
   */
  readonly prepare?: 'bootstrap' | 'extension' | 'nothing' | undefined
  /** Start sidecars; yes where `prepare` is `bootstrap`. */
  readonly sidecars?: boolean | undefined
  /** Wait until every sidecar's /readyz is 200; yes unless told. */
  readonly waitReady?: boolean | undefined
  /** Milliseconds for that wait, 60,000 unless told. */
  readonly readyDeadline?: number | undefined
  /** Main file of the sidecar's program, a built one for example; OWN_AGENT unless told. */
  readonly agent?: string | undefined
  /** Settings of every sidecar, and of single ones by node name, on top of the planned ones. */
  readonly env?: Environment | undefined
  readonly nodeEnv?: Readonly<Record<string, Environment>> | undefined
  /** PostgreSQL settings of every server, and of single ones by node name, on top of the profile. */
  readonly postgresSettings?: Environment | undefined
  readonly nodeSettings?: Readonly<Record<string, Environment>> | undefined
}

const DATABASE = 'app'

/** Milliseconds for a server to let its bootstrap in: on a busy machine a login alone may take longer than the sidecar's limit for one. */
const BOOTSTRAP_WAIT = 50_000

/**
 * Starts a cluster that ends with this process at the latest.
 * @throws whatever failed first; by then everything that was started is stopped and removed.
 */
export async function startCluster(options: ClusterOptions, signal?: AbortSignal): Promise<LocalCluster> {
  const { prepare = 'bootstrap' } = options
  const cluster = await makeCluster(options)
  try {
    const primaries = cluster.nodes.filter(({ standbyOf }) => standbyOf === undefined)
    await all(primaries, async (node) => {
      await makeNode(cluster, node)
      await node.postgres.writeFiles(settingsOf(options, node.name))
      await createVolume(node.postgres.spec, signal)
      await node.postgres.start({}, signal)
      if (prepare === 'bootstrap') await bootstrap(cluster, node, signal)
      if (prepare === 'extension') await installCitus(node.postgres)
    })
    await all(cluster.nodes, async (node) => {
      if (node.standbyOf === undefined) return
      await makeNode(cluster, node)
      await node.postgres.writeFiles(settingsOf(options, node.name))
      await becomeStandby(node.postgres, cluster.node(node.standbyOf).postgres, signal)
      await node.postgres.start({}, signal)
    })
    await all(cluster.poolers, async (pooler) => {
      await makeNodeFolder(cluster.record, pooler.name)
      await pooler.pgbouncer.writeFiles()
      await makeFolder(pooler.runDir, 0o700)
      await writeOwnedFile(pooler.passwordFile, `${cluster.passwords.citus_sidecar}\n`, 0o600)
      await pooler.pgbouncer.start(signal)
    })
    const citusVersion = await readCitusVersion(cluster.coordinator.postgres)
    cluster.record = { ...cluster.record, citusVersion }
    await writeRecord(cluster.record)
    if (options.sidecars ?? prepare === 'bootstrap') await startSidecars(cluster, options, signal)
    return cluster
  } catch (error) {
    await cluster.down()
    throw error
  }
}

/** The cluster as planned and recorded, before anything runs: from here on it can be ended as a whole. */
async function makeCluster(options: ClusterOptions): Promise<LocalCluster> {
  const planned = planNodes(options.workers, options.standbys)
  const names = planned.map(({ name }) => name)
  const poolers = poolerNames(options.poolers ?? 0)
  const workspace = await makeWorkspace({ dir: options.dir, server: options.server, nodeNames: [...names, ...poolers] })
  const ports = await all([...names, ...names, ...poolers, ...poolers], reservePort)
  const nodes = planned.map((node, index): NodePlan => {
    const [pgPort = 0, httpPort = 0] = [ports[index]?.port, ports[names.length + index]?.port]
    return { ...node, pgPort, httpPort, env: { ...options.env, ...options.nodeEnv?.[node.name] } }
  })
  const record: ClusterRecord = {
    ...workspace,
    agent: options.agent ?? OWN_AGENT,
    database: options.prepare === 'nothing' ? 'postgres' : DATABASE,
    citusVersion: '',
    nodes,
    poolers: poolers.map((name, index) => {
      const first = names.length * 2 + index
      const [port = 0, httpPort = 0] = [ports[first]?.port, ports[first + poolers.length]?.port]
      const env = { ...options.env, ...options.nodeEnv?.[name] }
      return { name, port, httpPort, env, settings: options.poolerSettings ?? {} }
    }),
  }
  const cluster = new LocalCluster(record)
  cluster.onDown(endWithProcess(() => cluster.endNow()))
  for (const port of ports) cluster.onDown(() => port.release())
  await writeRecord(record)
  return cluster
}

async function makeNode(cluster: LocalCluster, node: LocalNode): Promise<void> {
  await makeNodeFolder(cluster.record, node.name)
  await makeFolder(node.runDir, 0o700)
  await writeOwnedFile(node.passwordFile, `${cluster.passwords.citus_sidecar}\n`, 0o600)
}

/**
 * What `citus-sidecar bootstrap --create` does, in this process where the sidecar is of this source: a process of its
 * own takes longer to load its modules than to prepare a node, and a test run prepares hundreds.
 */
async function bootstrap(cluster: LocalCluster, node: LocalNode, signal = new AbortController().signal): Promise<void> {
  const superuser = { CITUS_SIDECAR_BOOTSTRAP_USER: 'postgres' }
  if (cluster.record.agent === OWN_AGENT) {
    // Loaded where it is wanted: most commands of `npm run cluster` start nothing.
    const { bootstrap: prepareNode } = await import('../../agent/cluster/bootstrap.ts')
    const { loadConfig } = await import('../../agent/config.ts')
    const { untilAccepted } = await import('../../agent/cluster/until-accepted.ts')
    const { systemClock } = await import('../../agent/loop/clock.ts')
    const config = loadConfig({ ...node.env, ...superuser }, hostname())
    const patience = { clock: systemClock, longest: BOOTSTRAP_WAIT, onWait: () => undefined }
    await untilAccepted(async () => await prepareNode(config, true, signal), patience, signal)
    return
  }
  const result = await node.command(['bootstrap', '--create', '--wait', `${BOOTSTRAP_WAIT}ms`], superuser, signal)
  if (result.code === 0) return
  const output = `${result.stdout}${result.stderr}`.trimEnd()
  throw new LocalError(
    `"citus-sidecar bootstrap --create" on ${node.name} ended with exit code ${result.code}:\n${output}`,
  )
}

async function startSidecars(cluster: LocalCluster, options: ClusterOptions, signal?: AbortSignal): Promise<void> {
  const members = [...cluster.nodes, ...cluster.poolers]
  for (const { sidecar } of members) sidecar.start()
  if (options.waitReady === false) return
  await all(members, ({ sidecar }) => sidecar.answers('/readyz', options.readyDeadline ?? 60_000, signal))
}

function settingsOf(options: ClusterOptions, name: string): Record<string, string> {
  return { ...options.postgresSettings, ...options.nodeSettings?.[name] }
}

/** Waits for all, also after one has failed: what is still starting could otherwise not be stopped. */
async function all<T, R>(items: readonly T[], action: (item: T) => Promise<R>): Promise<R[]> {
  const results = await Promise.allSettled(items.map(action))
  return results.map((result) => {
    if (result.status === 'fulfilled') return result.value
    throw result.reason
  })
}

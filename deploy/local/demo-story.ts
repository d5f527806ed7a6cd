// The demo's story, act by act: something is done to the cluster, and what must come of it is waited for, checked and
// told. Nothing is told that was not seen.

import { setTimeout as sleep } from 'node:timers/promises'
import { loadConfig } from '../../agent/config.ts'
import { Expectations } from './demo-expectations.ts'
import type { DemoScreen } from './demo-screen.ts'
import type { DemoWatch } from './demo-watch.ts'
import { eventually } from './eventually.ts'
import type { LocalCluster } from './local-cluster.ts'
import type { LocalNode } from './local-node.ts'

/** Everything an act needs. */
export interface Stage {
  readonly cluster: LocalCluster
  readonly screen: DemoScreen
  readonly watch: DemoWatch
  /** When the cluster began to start, milliseconds since 1970. */
  readonly startedAt: number
  readonly signal: AbortSignal
}

/** Longest way from nothing to a cluster that is ready, and from an answering PostgreSQL back to ready, milliseconds. */
const limits = { together: 60_000, readyAgain: 10_000 }
/** How long a wait goes on after its limit, so that what came late is told as late, milliseconds. */
const patience = 10_000

/** Plays everything; returns what did not happen, a sentence each. */
export async function tellStory(stage: Stage): Promise<readonly string[]> {
  const { cluster, screen, signal } = stage
  const expectations = new Expectations(screen)
  const [first, second] = cluster.workers
  if (first === undefined || second === undefined) throw new Error('the story needs two workers')

  screen.say(
    'a coordinator and two workers started, each with its own sidecar; nobody registers them by hand',
    stage.startedAt,
  )
  await comeTogether(stage, expectations)
  await breathe(stage)
  await outage(stage, expectations, first, {
    done: `kill -9 to every process of the PostgreSQL of ${first.name}`,
    breaks: async () => await first.postgres.kill(signal),
    reason: 'nothing listens where PostgreSQL should be',
    undone: `the PostgreSQL of ${first.name} is started again, and recovers from its crash`,
    mends: async () => await first.postgres.start({}, signal),
  })
  await breathe(stage)
  await outage(stage, expectations, second, {
    done: `the PostgreSQL of ${second.name} is frozen (SIGSTOP): its port is open, and nothing answers`,
    breaks: async () => await second.postgres.freeze({}, signal),
    reason: 'PostgreSQL does not answer',
    undone: `the PostgreSQL of ${second.name} is thawed (SIGCONT)`,
    mends: async () => second.postgres.thaw(),
  })
  const { missed, count } = expectations
  const end = missed.length === 0 ? `all ${count} happened` : `${missed.length} of ${count} did not happen`
  screen.text(
    `\nof what was to happen, ${end}\n${missed.map((sentence) => `  did not happen: ${sentence}\n`).join('')}\n`,
  )
  return missed
}

/** Where everything is, a line each. */
export function placesOf(cluster: LocalCluster): string {
  const lines = cluster.nodes.map(({ name, url, socketDir, pgPort }) =>
    [
      name,
      ...['/livez', '/readyz?verbose', '/startupz', '/status', '/metrics'].map((path) => `  ${url}${path}`),
      `  psql -h ${socketDir} -p ${pgPort} -U postgres ${cluster.record.database}`,
    ].join('\n'),
  )
  return `${lines.join('\n')}\ndo it yourself: npm run cluster -- kill|freeze|thaw|restart|stop|start NODE --dir ${cluster.dir}\n`
}

async function comeTogether(stage: Stage, expectations: Expectations): Promise<void> {
  const { cluster, watch, startedAt, signal } = stage
  const names = cluster.nodes.map(({ name }) => name)
  const ready = (name: string): number | undefined =>
    watch.flips(startedAt).findLast((one) => one.node === name && one.verdict === 'ready' && one.ok)?.at
  await reaches(() => names.every((name) => ready(name) !== undefined), limits.together, signal)
  const late = names.filter((name) => (ready(name) ?? Infinity) - startedAt > limits.together)
  const last = Math.max(...names.map((name) => ready(name) ?? Infinity)) - startedAt
  await expectations.check('every node is ready', late.length === 0, () =>
    late.length === 0 ? `${seconds(last)} after nothing was there` : `not ready: ${late.join(', ')}`,
  )
  const rows = await membership(cluster)
  const good = rows.filter(({ isactive, metadatasynced }) => isactive && metadatasynced)
  await expectations.check(
    'the coordinator has all of them as active and in sync',
    good.length === names.length,
    () => `pg_dist_node has ${rows.length} rows, ${good.length} of them so`,
  )
  const shown = await reaches(() => names.every((name) => watch.tableSays(name) === true), limits.together, signal)
  await expectations.check('the table of the whole cluster says so', shown, () => said(watch, ...names))
}

/** One fault and its mending. */
interface Fault {
  readonly done: string
  readonly breaks: () => Promise<void>
  /** What /readyz must say. */
  readonly reason: string
  readonly undone: string
  readonly mends: () => Promise<void>
}

async function outage(stage: Stage, expectations: Expectations, node: LocalNode, fault: Fault): Promise<void> {
  const { cluster, screen, watch, signal } = stage
  const { name, sidecar } = node
  const limit = loadConfig(node.env, name).frozenAfter
  const before = JSON.stringify(await membership(cluster))
  screen.text('\n')
  const brokenAt = Date.now()
  screen.say(fault.done, brokenAt)
  await fault.breaks()
  let body = ''
  const refused = await reaches(
    async () => {
      const answer = await sidecar.get('/readyz')
      body = answer.body
      return answer.status === 503 && body.includes(fault.reason)
    },
    limit,
    signal,
  )
  const lost = await flipOf(stage, name, false, brokenAt)
  await expectations.check(
    `${name} is not ready within ${seconds(limit)}`,
    lost !== undefined && lost - brokenAt <= limit,
    () => took(lost, brokenAt),
  )
  await expectations.check(`/readyz says that ${fault.reason}`, refused, () => failedChecks(body))
  const told = await reaches(() => watch.tableSays(name) === false, limit, signal)
  await expectations.check('the table of the whole cluster says so', told, () => said(watch, name))
  await breathe(stage)

  screen.say(fault.undone)
  await fault.mends()
  const mendedAt = Date.now()
  const back = await flipOf(stage, name, true, brokenAt)
  await expectations.check(
    `${name} is ready again within ${seconds(limits.readyAgain)}`,
    back !== undefined && back - mendedAt <= limits.readyAgain,
    () => took(back, mendedAt),
  )
  const showsBack = await reaches(() => watch.tableSays(name) === true, limits.readyAgain, signal)
  await expectations.check('the table says so too', showsBack, () => said(watch, name))

  const livez = watch.livez(brokenAt).filter((answer) => answer.node === name)
  const dead = livez.filter(({ status }) => status !== 200)
  await expectations.check(
    `the sidecar of ${name} was live throughout`,
    livez.length > 0 && dead.length === 0,
    () => `/livez was 200 in ${livez.length - dead.length} of ${livez.length} answers`,
  )
  const others = watch.flips(brokenAt).filter((one) => one.node !== name && one.verdict === 'ready')
  await expectations.check(
    'the other nodes stayed ready',
    others.length === 0,
    () => others.map((one) => `${one.node}: ${one.reason}`).join('; ') || 'no change there',
  )
  const after = JSON.stringify(await membership(cluster))
  await expectations.check('the membership in pg_dist_node is as before', after === before, () =>
    after === before ? 'not a row changed' : `${before} became ${after}`,
  )
}

/** When a node's readiness became so, after a moment; undefined when it does not in time. */
async function flipOf(stage: Stage, node: string, ok: boolean, since: number): Promise<number | undefined> {
  const find = (): number | undefined =>
    stage.watch.flips(since).find((one) => one.node === node && one.verdict === 'ready' && one.ok === ok)?.at
  await reaches(() => find() !== undefined, limits.readyAgain, stage.signal)
  return find()
}

/** Waits for something for its limit and some patience; whether it came. @throws when the demo is interrupted. */
async function reaches(
  attempt: () => boolean | Promise<boolean>,
  limit: number,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return await eventually('it', attempt, { deadline: limit + patience, interval: 50, signal })
  } catch {
    signal.throwIfAborted()
    return false
  }
}

interface Row {
  readonly nodeid: number
  readonly isactive: boolean
  readonly metadatasynced: boolean
}

async function membership(cluster: LocalCluster): Promise<(Row & Record<string, unknown>)[]> {
  return await cluster.coordinator.postgres.query<Row & Record<string, unknown>>(
    'select nodeid, groupid, nodename, nodeport, noderole::text, isactive, hasmetadata, metadatasynced, shouldhaveshards from pg_dist_node order by nodeid',
  )
}

/** People want a moment to look; programs do not. */
async function breathe({ screen, signal }: Stage): Promise<void> {
  if (screen.isTerminal) await sleep(2_500, undefined, { signal })
}

function said(watch: DemoWatch, ...names: readonly string[]): string {
  const words = { true: 'ready', false: 'not ready', null: 'lost' }
  return names
    .map((name) => {
      const says = watch.tableSays(name)
      return `${name}: ${says === undefined ? 'nothing' : words[`${says}`]}`
    })
    .join(', ')
}

function failedChecks(body: string): string {
  const lines = body.split('\n').filter((line) => line.startsWith('[-]'))
  return lines.length === 0 ? `it says ${JSON.stringify(body)}` : lines.join(' and ')
}

function took(at: number | undefined, since: number): string {
  return at === undefined ? 'it did not happen' : `it took ${seconds(Math.max(at - since, 0))}`
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(ms % 1_000 === 0 ? 0 : 2)} s`
}

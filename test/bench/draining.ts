// How long a drain takes by itself: of an idle node, and of one with 200 clients, half idle, half in short transactions.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { beginDrain, cancelDrain, drained, drainView } from '../support/draining.ts'
import { joined, quick } from '../support/joining.ts'
import type { Claim, Result } from './claim.ts'
import { ms, worstBelow } from './claim.ts'

const runs = 5
const clients = 200
/** One short transaction, seconds. */
const short = 0.05
/** A client's own work between two transactions, milliseconds. */
const ownWork = 10

interface Drained {
  /** Without phase prepare and the checkpoint of flush, milliseconds. */
  readonly ownMs: number
  readonly clientsMs: number
  readonly undone: string
}

async function drainOnce(node: LocalNode): Promise<Drained> {
  const begun = performance.now()
  await beginDrain(node)
  const { end } = await drained(node)
  const wholeMs = performance.now() - begun
  const phases = (await drainView(node))?.phases ?? []
  const took = (name: string): number => phases.find((phase) => phase.name === name)?.tookMs ?? 0
  await cancelDrain(node)
  await joined(node)
  return { ownMs: wholeMs - took('prepare') - took('flush'), clientsMs: took('drain'), undone: end?.reason ?? '' }
}

/** Transactions until the server ends the session, `pauseMs` between them; counts those that were begun and did not end. */
async function work(client: Client, pauseMs: number, cut: { count: number }): Promise<void> {
  let open = false
  try {
    for (;;) {
      if (pauseMs > 0) await sleep(pauseMs)
      await client.query('begin')
      open = true
      await client.query(`select pg_catalog.pg_sleep(${short})`)
      await client.query('commit')
      open = false
    }
  } catch {
    if (open) cut.count += 1
  }
}

async function drainFull(node: LocalNode, pauseMs: number): Promise<Drained & { readonly cut: number }> {
  const sessions = await Promise.all(Array.from({ length: clients }, async () => await node.postgres.connect()))
  for (const session of sessions) session.on('error', () => undefined)
  const cut = { count: 0 }
  const working = sessions.slice(clients / 2).map(async (session) => await work(session, pauseMs, cut))
  const found = await drainOnce(node)
  await Promise.all(working)
  return { ...found, cut: cut.count }
}

export const draining: Claim = {
  name: 'draining',
  how: `a worker without hold and without the fixed wait for endpoints (both are waits for others): idle, ${runs} times; then with ${clients} sessions, half of them idle, half in transactions of ${short * 1000} ms with ${ownWork} ms between two; then without any pause, where the moment between two transactions is shorter than the way of a signal. A transaction whose BEGIN was answered and whose session then ends counts as cut`,
  run: async (agent) => {
    await using cluster = await startCluster({
      workers: 1,
      agent,
      postgresSettings: { max_connections: '300' },
      env: { ...quick, CITUS_SIDECAR_HOLD: 'none', CITUS_SIDECAR_UNREADY_WAIT: '0ms' },
    })
    const [worker] = cluster.workers
    if (worker === undefined) throw new Error('no worker')
    await joined(worker)
    const idle: number[] = []
    for (let run = 0; run < runs; run += 1) idle.push((await drainOnce(worker)).ownMs)
    const full = await drainFull(worker, ownWork)
    const restless = await drainFull(worker, 0)
    return [
      worstBelow('idle node, over its checkpoints and archive wait', idle, 1_000),
      gone(`${clients} sessions gone`, full),
      { what: 'transactions cut', value: String(full.cut), target: '0', met: full.cut === 0 },
      gone(`${clients} sessions gone whose clients never pause`, restless),
      {
        what: 'transactions cut of clients that never pause',
        value: `${restless.cut} of ${clients / 2}`,
        target: undefined,
        met: undefined,
      },
    ]
  },
}

function gone(what: string, { clientsMs, undone }: Drained): Result {
  return { ...worstBelow(what, [clientsMs], 3_000), value: `${ms(clientsMs)} ${undone}`.trim() }
}

// Phase prepare, while clients are still served: checkpoint, archive what was written, wait for a shard move that touches this node and
// for what would keep PostgreSQL from stopping.
import { hangingConnects } from '../../probes/host/hanging-connects.ts'
import { reasonOf } from '../errors.ts'
import { checkpoint, LeftUndone, orLeave, until } from './step.ts'
import type { Step, StepContext } from './step.ts'

const pause = 100

interface Archiver {
  readonly failed: number
  readonly waiting: number
}

/** Segments up to the given one that are still to be archived; names of segments of one timeline sort as their positions do. */
const archiverSql = `
  select s.failed_count::float8 as failed,
         (select count(*)::integer from pg_catalog.pg_ls_archive_statusdir() f where f.name like '%.ready' and f.name <= $1 || '.ready') as waiting
    from pg_catalog.pg_stat_archiver s`

// Both ends of a move show themselves on the node itself, so that nobody else need be asked.
const movesSql = `
  select (select count(*) from pg_catalog.pg_replication_slots s where s.slot_name like 'citus\\_shard\\_%' and s.active)
       + (select count(*) from (select subname from pg_catalog.pg_subscription where subname like 'citus\\_shard\\_%') s) > 0 as moving`

// Where Citus connects to, and for how long it tries.
const peersSql = `
  select (select array_agg(distinct n.nodeport) from pg_catalog.pg_dist_node n) as ports,
         (extract(epoch from coalesce(pg_catalog.current_setting('citus.node_connection_timeout', true), '30s')::interval) * 1000)::float8 as "triesMs"`

async function takeCheckpoint(context: StepContext, signal: AbortSignal): Promise<string> {
  const { clock } = context
  const before = clock.now()
  await checkpoint(context, signal)
  return `checkpoint in ${clock.now() - before} ms`
}

async function archive({ local, clock, kind }: StepContext, signal: AbortSignal): Promise<string> {
  if (kind === 'standby') return 'a standby archives nothing of its own'
  const before = clock.now()
  let left = 'no time was left for archiving'
  const work = async (): Promise<string> => {
    const [mode] = await local.query<{ mode: string }>(`select pg_catalog.current_setting('archive_mode') as mode`)
    if (mode === undefined || mode.mode === 'off') return 'archiving is off'
    const [switched] = await local.query<{ file: string }>('select citus_sidecar.switch_wal() as file')
    const file = switched?.file ?? ''
    let failedBefore: number | undefined
    const archived = async (): Promise<string | undefined> => {
      const [found] = await local.query<Archiver>(archiverSql, [file])
      const { failed, waiting } = found ?? { failed: 0, waiting: 0 }
      if (waiting === 0) return `archived up to ${file} in ${clock.now() - before} ms`
      failedBefore ??= failed
      if (failed > failedBefore)
        throw new LeftUndone(`archive_command fails: ${waiting} WAL segments up to ${file} are not archived`)
      left = `${waiting} WAL segments up to ${file} were not archived in time`
      return undefined
    }
    return await until(archived, pause, clock, signal)
  }
  return await orLeave(() => left, signal, work)
}

async function waitForMoves({ local, clock, kind }: StepContext, signal: AbortSignal): Promise<string> {
  if (kind === 'standby' || kind === 'standalone') return ''
  let left = 'no time was left for a look at shard moves'
  const still = async (): Promise<'' | undefined> => {
    const [row] = await local.query<{ moving: boolean }>(movesSql)
    if (row?.moving !== true) return ''
    left = 'a shard move that touches this node was still running'
    return undefined
  }
  return await orLeave(
    () => left,
    signal,
    async () => await until(still, pause * 5, clock, signal),
  )
}

/**
 * Citus' maintenance daemon hears of a stop only once its connection is made or given up (https://github.com/citusdata/citus/issues/7919):
 * after a peer's restart that is the rest of citus.node_connection_timeout, for which clients would be held.
 */
async function waitForPeers({ local, clock, kind }: StepContext, signal: AbortSignal): Promise<string> {
  if (kind === 'standby' || kind === 'standalone') return ''
  const before = clock.now()
  let waitedFor = ''
  const work = async (): Promise<string> => {
    const [row] = await local.query<{ ports: readonly number[] | null; triesMs: number }>(peersSql)
    const ports = new Set(row?.ports)
    const quiet = async (): Promise<string | undefined> => {
      const hanging = (await hangingConnects(ports)).join(', ')
      if (hanging === '') return waitedFor === '' ? '' : `a connection to ${waitedFor} was waited for`
      waitedFor = hanging
      // No try lasts longer; a peer that is tried again and again is away, and may be for good.
      return clock.now() - before > (row?.triesMs ?? 0) ? stillHangs(waitedFor) : undefined
    }
    return await until(quiet, pause, clock, signal)
  }
  // No time left is no fault of this part: what took it has said so.
  return await work().catch((error: unknown) => {
    if (!signal.aborted) throw error
    return waitedFor === '' ? '' : stillHangs(waitedFor)
  })
}

function stillHangs(peer: string): string {
  return `${peer} does not answer, which may keep PostgreSQL from stopping at once`
}

type Came = { readonly did: string } | { readonly undone: string }

export const prepare: Step = async (context, signal) => {
  // Each by itself: what one leaves undone is no reason to leave out the next.
  const attempt = async (part: Step): Promise<Came> =>
    await part(context, signal).then(
      (did) => ({ did }),
      (error: unknown) => ({ undone: reasonOf(error) }),
    )
  const parts = [await attempt(takeCheckpoint), ...(await Promise.all([attempt(archive), attempt(waitForMoves)]))]
  // Last, so that what it saw is still so when clients are held.
  const found = [...parts, await attempt(waitForPeers)]
  const undone = new Set(found.flatMap((one) => ('undone' in one ? [one.undone] : [])))
  if (undone.size > 0) throw new LeftUndone([...undone].join('; '))
  return found.flatMap((one) => ('did' in one && one.did !== '' ? [one.did] : [])).join('; ')
}

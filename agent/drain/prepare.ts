// Phase prepare, while clients are still served: checkpoint, archive what was written, wait for a shard move that touches this node.
import { LeftUndone, until } from './step.ts'
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

async function archive({ local, clock }: StepContext, signal: AbortSignal): Promise<string> {
  const [mode] = await local.query<{ mode: string }>(`select pg_catalog.current_setting('archive_mode') as mode`)
  if (mode === undefined || mode.mode === 'off') return 'archiving is off'
  const [switched] = await local.query<{ file: string }>('select citus_sidecar.switch_wal() as file')
  const file = switched?.file ?? ''
  const look = async (): Promise<Archiver> =>
    (await local.query<Archiver>(archiverSql, [file]))[0] ?? { failed: 0, waiting: 0 }
  let last = await look()
  const { failed } = last
  try {
    return await until(
      async () => {
        if (last.waiting === 0) return `archived up to ${file}`
        last = await look()
        if (last.failed > failed)
          throw new LeftUndone(`archive_command fails: ${last.waiting} WAL segments up to ${file} are not archived`)
        return undefined
      },
      pause,
      clock,
      signal,
    )
  } catch (error) {
    if (!signal.aborted) throw error
    throw new LeftUndone(`${last.waiting} WAL segments up to ${file} were not archived in time`)
  }
}

async function waitForMoves({ local, clock }: StepContext, signal: AbortSignal): Promise<void> {
  try {
    await until(
      async () => ((await local.query<{ moving: boolean }>(movesSql))[0]?.moving === true ? undefined : true),
      pause * 5,
      clock,
      signal,
    )
  } catch (error) {
    if (!signal.aborted) throw error
    throw new LeftUndone('a shard move that touches this node was still running')
  }
}

export const prepare: Step = async (context, signal) => {
  const { local, clock, kind } = context
  const before = clock.now()
  await local.query('select citus_sidecar.checkpoint()')
  const checkpointMs = clock.now() - before
  const archived = kind === 'standby' ? 'a standby archives nothing of its own' : await archive(context, signal)
  const archiveMs = clock.now() - before - checkpointMs
  if (kind === 'coordinator' || kind === 'worker') await waitForMoves(context, signal)
  return `checkpoint in ${checkpointMs} ms; ${archived} in ${archiveMs} ms`
}

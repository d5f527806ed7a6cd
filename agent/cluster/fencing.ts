// Has the fencing authority spoken: a file that it writes only once the old primary can no longer accept writes.
import { readFile } from 'node:fs/promises'
import type { ClusterNode } from '../../probes/citus/nodes.ts'
import type { Sql } from '../../probes/sql.ts'
import type { Address, Config } from '../config.ts'
import type { Self } from './facts.ts'
import { identityAt } from './ledger.ts'

/** Why the authority has not spoken for this node and timeline; undefined when it has. The file's first line is `host:port timeline`. */
export async function fencingSpoke(
  path: string | undefined,
  address: Address,
  timeline: number,
): Promise<string | undefined> {
  if (path === undefined) return 'no fencing authority is configured'
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    return `the fencing authority has not spoken (${error instanceof Error ? error.message : String(error)})`
  }
  const said = text.split('\n', 1)[0]?.trim() ?? ''
  const wanted = `${address.host}:${address.port} ${timeline}`
  return said === wanted
    ? undefined
    : `the fencing authority says ${JSON.stringify(said.slice(0, 100))}, not "${wanted}"`
}

/** Why a promotion is not followed yet: the old primary still answers as one, or the authority has not spoken; undefined when it may be. */
export async function unfenced(
  old: ClusterNode,
  self: Self,
  config: Config,
  coordinator: Sql,
): Promise<string | undefined> {
  const there = await identityAt(coordinator, old.host, old.port)
  if (there.error === undefined && there.inRecovery === false)
    return `the coordinator still reaches a primary at ${old.host}:${old.port}`
  return await fencingSpoke(config.fencingFile, config.address, self.identity.timeline)
}

// What tests do to a volume behind a node's name, beyond what the launcher offers.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import type { PostgresServer } from '../../deploy/local/postgres-server.ts'

/** Runs `citus-sidecar bootstrap --create` on a node whose volume is new. */
export async function prepareNode(node: LocalNode): Promise<void> {
  const { code, stderr } = await node.command(['bootstrap', '--create'], { CITUS_SIDECAR_BOOTSTRAP_USER: 'postgres' })
  assert.equal(code, 0, stderr)
}

/** Starts a stopped server as a standby and promotes it: its volume is on a new timeline from here on. */
export async function startOnNewTimeline(server: PostgresServer): Promise<void> {
  await writeFile(join(server.dataDir, 'standby.signal'), '')
  await server.start()
  await server.query('select pg_promote()')
}

/** WAL position up to which the server has flushed. */
export async function positionOf(server: PostgresServer): Promise<string> {
  const [row] = await server.query<{ lsn: string }>('select pg_current_wal_flush_lsn()::text as lsn')
  return row?.lsn ?? ''
}

/** Makes the server write some WAL, and waits until the ledger knows a later position than before. */
export async function moveOn(node: LocalNode, coordinator: PostgresServer): Promise<void> {
  await node.postgres.query('select pg_switch_wal(), pg_logical_emit_message(false, $1, $1)', ['test'])
  const since = await positionOf(node.postgres)
  await eventually(
    'the ledger knows how far the node has come',
    async () => {
      const [row] = await coordinator.query(
        'select lsn >= $2::pg_lsn as yes from citus_sidecar.members where name = $1',
        [node.name, since],
      )
      return row?.['yes']
    },
    { deadline: 60_000 },
  )
}

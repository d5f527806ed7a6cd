// Takes every connection slot of a server that is not reserved for superusers, as clients gone wild do.
import type { Client } from 'pg'
import type { PostgresServer } from '../../deploy/local/postgres-server.ts'

/** Connects until the server has no free slot; the returned function gives all of them back. */
export async function takeAllSlots(server: PostgresServer): Promise<() => Promise<void>> {
  const taken: Client[] = []
  for (;;) {
    try {
      taken.push(await server.connect({ user: 'citus_sidecar' }))
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === '53300') break
      throw error
    }
  }
  return async () => {
    await Promise.all(taken.map(async (client) => await client.end()))
  }
}

// What the server lets each session do: probes are kept short, what a drain asks may take as long as its phase.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CoordinatorLocator } from '../../agent/cluster/coordinator.ts'
import { systemClock } from '../../agent/loop/clock.ts'
import { Sessions } from '../../agent/sessions.ts'
import { startPostgres } from '../../deploy/local/lone-server.ts'
import { configFor } from '../support/config-for.ts'

test('a checkpoint of a drain may take longer than a query of a probe', async () => {
  await using server = await startPostgres()
  const config = await configFor(server.postgres)
  await using sessions = new Sessions(config, new CoordinatorLocator(config, systemClock), () => undefined)
  const limitOf = async (name: 'drain' | 'sweep' | 'verdict' | 'probe'): Promise<string | undefined> => {
    const bounds = { timeout: 10_000, signal: new AbortController().signal }
    const [row] = await sessions[name].query<{ limit: string }>(
      `select pg_catalog.current_setting('statement_timeout') as limit`,
      [],
      bounds,
    )
    return row?.limit
  }
  for (const name of ['sweep', 'verdict', 'probe'] as const) assert.equal(await limitOf(name), '5s')
  assert.equal(await limitOf('drain'), '1d')
})

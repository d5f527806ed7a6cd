// What the reader of the log is told of the cluster, how often, and in which form.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { followWhereabouts } from '../../../agent/statements/whereabouts.ts'
import type { Whereabouts } from '../../../exporters/statements/log-reader.ts'
import type { Sql } from '../../../probes/sql.ts'

/** Follows for so many seconds on a clock that does not wait; `newest` is the newest shard, an error where the server does not answer. */
async function told(seconds: number, newest: (second: number) => string): Promise<readonly Whereabouts[]> {
  const end = new AbortController()
  const all: Whereabouts[] = []
  let now = 0
  const query = async (text: string): Promise<unknown> => {
    const id = await Promise.resolve(newest(now / 1_000))
    return text.includes('max(shardid)') ? [{ newest: id }] : [{ name: 'orders', ids: `102008,${id}` }]
  }
  await followWhereabouts(
    {
      clock: {
        now: () => now,
        sleep: async (ms) => {
          now += ms
          if (now >= seconds * 1_000) end.abort()
          await Promise.resolve()
        },
      },
      citus: () => true,
      nodeId: () => 7,
      members: () => [],
      sql: () => ({ query }) as unknown as Sql,
      know: (whereabouts) => void all.push(whereabouts),
    },
    end.signal,
  )
  return all
}

suite('whereabouts', () => {
  test('are told once while they stay as they are, shards as one text a table', async () =>
    assert.deepEqual(await told(300, () => '102009'), [
      { nodeId: '7' },
      { addresses: new Map() },
      { shards: [['orders', '102008,102009']] },
    ]))

  test('are told again where there are new shards, and whenever tables may have other names', async () => {
    const shards = async (...how: Parameters<typeof told>): Promise<readonly unknown[]> =>
      (await told(...how)).flatMap((one) => one.shards ?? [])
    assert.equal((await shards(300, (second) => (second < 100 ? '102009' : '102010'))).length, 2)
    assert.equal((await shards(1_300, () => '102009')).length, 3)
  })

  test('of a server that does not answer are asked for again soon', async () => {
    const found = await told(60, (second) => {
      if (second < 25) throw new Error('it does not answer')
      return '102009'
    })
    assert.deepEqual(found.at(-1), { shards: [['orders', '102008,102009']] })
  })
})

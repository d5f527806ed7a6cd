// One trace from an application to the shards on real Citus: statement, commands, tasks on the nodes; found by each of the methods, and
// what is told where nobody knows.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Client } from 'pg'
import { findBinaries } from '../../deploy/local/binaries.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { application, callerOf, readingEnv, startLogged } from '../support/logged-cluster.ts'
import type { LoggedOptions } from '../support/logged-cluster.ts'
import { OtlpReceiver } from '../support/otlp-receiver.ts'
import type { ReceivedSpan } from '../support/otlp-receiver.ts'
import { joined } from '../support/joining.ts'

const { citus: kind } = await findBinaries()
const skip = kind === 'citus' ? false : 'real Citus only: the stand-in sends no tasks'

suite('one trace across nodes', { skip }, () => {
  let receiver: OtlpReceiver
  let cluster: LocalCluster
  let client: Client
  let options: LoggedOptions
  before(async () => {
    receiver = await OtlpReceiver.start()
    const env = { CITUS_SIDECAR_SLOW_STATEMENT: '1s', CITUS_SIDECAR_LINK_PATIENCE: '5s' }
    options = { workers: 2, receiver, env }
    cluster = await startLogged(options)
    client = await application(cluster.coordinator)
    await client.query('create table orders (id bigint primary key, note text)')
    await client.query(`select create_distributed_table('orders', 'id', shard_count => 8)`)
    await client.query('insert into orders select i, i from generate_series(1, 100) i')
    for (const worker of ['worker-1', 'worker-2'])
      await eventually(`${worker} knows the shards by their table`, async () => {
        await client.query(`select pg_sleep(0.1) from orders where id < 20 ${callerOf('before').comment}`)
        return receiver.spans.some(
          ({ name, resource }) => name === 'SELECT orders' && resource['service.instance.id'] === worker,
        )
      })
  })
  after(async () => {
    await client.end()
    await cluster.down()
    await receiver[Symbol.asyncDispose]()
  })

  /** PostgreSQL's spans of a trace, once these are all there. */
  async function traceOf(traceId: string, ready: (spans: readonly ReceivedSpan[]) => boolean) {
    let found: readonly ReceivedSpan[] = []
    await eventually('the trace is whole', () =>
      ready((found = receiver.spans.filter((one) => one.traceId === traceId))),
    ).catch((error: Error) => {
      const told = found.map((one) => `${one.name} ${one.kind} of ${String(one.resource['service.instance.id'])}`)
      throw new Error(`${error.message}; spans: ${told.join(', ')}`)
    })
    return found
  }

  const of = (service: string) => (span: ReceivedSpan) => span.resource['service.name'] === service
  const isCommand = ({ kind: how }: ReceivedSpan): boolean => how === 'SPAN_KIND_CLIENT'
  const tasks = (spans: readonly ReceivedSpan[]): readonly ReceivedSpan[] => spans.filter(of('citus-worker'))

  /** Runs something in a session that has Citus say what it sends. */
  async function saying(work: () => Promise<void>): Promise<void> {
    for (const text of [
      'set citus.log_remote_commands to on',
      'set client_min_messages to warning',
      'set log_min_messages to notice',
    ])
      await client.query(text)
    try {
      await work()
    } finally {
      for (const name of ['citus.log_remote_commands', 'client_min_messages', 'log_min_messages'])
        await client.query(`reset ${name}`)
    }
  }

  /** Every task is under the command that sent it, and that under its statement, which is under the caller. */
  function assertWhole(spans: readonly ReceivedSpan[], callerSpan: string): void {
    const statements = spans.filter(of('citus-coordinator')).filter((span) => span.kind === 'SPAN_KIND_SERVER')
    const commands = spans.filter(isCommand)
    for (const span of statements) assert.equal(span.parentSpanId, callerSpan)
    for (const span of commands)
      assert.ok(
        statements.some(({ spanId }) => spanId === span.parentSpanId),
        span.name,
      )
    for (const span of tasks(spans)) {
      assert.equal(span.attributes['citus.link'], 'command')
      const above = commands.find(({ spanId }) => spanId === span.parentSpanId)
      assert.ok(above !== undefined, `${span.name} has its command above it`)
      assert.equal(above.attributes['db.query.text'], span.attributes['db.query.text'])
      const node = cluster.nodes.find(({ name }) => name === span.resource['service.instance.id'])
      assert.equal(above.attributes['server.port'], node?.pgPort)
      assert.deepEqual(above.attributes['citus.shard.id'], span.attributes['citus.shard.id'])
    }
    assert.equal(tasks(spans).length, commands.length)
  }

  test('is whole in a transaction where Citus says what it sends, however often the same is sent', async () => {
    const { traceId, spanId, comment } = callerOf('in-transaction')
    await saying(async () => {
      await client.query('begin')
      for (let time = 0; time < 5; time += 1)
        await client.query(`update orders set note = 'same' where id = 7 ${comment}`)
      await client.query(`update orders set note = note || 'x' ${comment}`)
      await client.query('commit')
    })
    const spans = await traceOf(traceId, (found) => tasks(found).length >= 5 + 8)
    assertWhole(spans, spanId)
    assert.ok(spans.every(({ name }) => name === 'UPDATE orders'))
  })

  test('is whole outside of transactions, over all shards and over one', async () => {
    const { traceId, spanId, comment } = callerOf('autocommit')
    await saying(async () => {
      for (let id = 1; id <= 20; id += 1) await client.query(`select note from orders where id = ${id} ${comment}`)
      await client.query(`select count(*) from orders ${comment}`)
    })
    const spans = await traceOf(traceId, (found) => tasks(found).length >= 20 + 8)
    assertWhole(spans, spanId)
  })

  test('comes from the parameter of a transaction, which Citus hands on', async () => {
    const { traceId, spanId, text } = callerOf('parameter')
    await client.query('begin')
    await client.query(`set local citus.propagate_set_commands to 'local'`)
    await client.query(`set local app.traceparent = '${text}'`)
    await client.query(`update orders set note = 'p' where id = 3`)
    await client.query(`select pg_sleep(0.15) from orders where id = 4`)
    await client.query('commit')
    const spans = await traceOf(
      traceId,
      (found) => tasks(found).filter(({ name }) => name.endsWith('orders')).length >= 2,
    )
    const statements = spans.filter(of('citus-coordinator'))
    for (const span of tasks(spans)) {
      assert.equal(span.attributes['citus.link'], 'context', span.name)
      assert.ok([spanId, ...statements.map((one) => one.spanId)].includes(span.parentSpanId))
    }
    const slow = tasks(spans).find(({ took }) => took > 140)
    const above = statements.find((one) => one.spanId === slow?.parentSpanId)
    assert.ok(above !== undefined && above.took > 140, 'a long one is under its own statement')
  })

  test('is found by time for what takes long enough, and says so', async () => {
    const { traceId, comment } = callerOf('by-time')
    await client.query(`select pg_sleep(0.2) from orders where id = 5 ${comment}`)
    const spans = await traceOf(traceId, (found) => tasks(found).length > 0)
    const [task] = tasks(spans)
    const [statement] = spans.filter(of('citus-coordinator'))
    assert.equal(task?.attributes['citus.link'], 'time')
    assert.equal(task?.parentSpanId, statement?.spanId)
    assert.deepEqual(task?.attributes['citus.shard.id'], [
      (await client.query(`select get_shard_id_for_distribution_column('orders', 5)::text as id`)).rows[0].id,
    ])
    assert.ok(
      (task?.startedAt ?? 0) >= (statement?.startedAt ?? Infinity) &&
        (task?.endedAt ?? Infinity) <= (statement?.endedAt ?? 0),
    )
  })

  test('begins on any node, and has tasks that a node sends to itself', async () => {
    const { traceId, comment } = callerOf('from-a-worker')
    const other = await application(cluster.node('worker-1'))
    try {
      await other.query(
        'set citus.log_remote_commands to on; set client_min_messages to warning; set log_min_messages to notice',
      )
      await other.query('set citus.enable_local_execution to off')
      await other.query(`select count(*) from orders ${comment}`)
    } finally {
      await other.end()
    }
    const spans = await traceOf(traceId, (found) => found.length >= 1 + 8 + 8)
    const nodes = tasks(spans).filter(
      ({ kind: how, attributes }) => how === 'SPAN_KIND_SERVER' && attributes['citus.link'] === 'command',
    )
    const names = new Set(nodes.map(({ resource }) => resource['service.instance.id']))
    assert.deepEqual(names, new Set(['worker-1', 'worker-2']))
    assert.equal(nodes.length, 8)
  })

  test('has what a node runs in place of another, and none of what nobody asked for', async () => {
    const { traceId, comment } = callerOf('locally')
    const other = await application(cluster.node('worker-1'))
    try {
      await other.query(
        'set citus.log_local_commands to on; set client_min_messages to warning; set log_min_messages to notice',
      )
      const { rows } = await client.query<{ id: string }>(
        `select o.id from orders o join pg_dist_placement p on p.shardid = get_shard_id_for_distribution_column('orders', o.id)
           join pg_dist_node n using (groupid) where n.nodeport = ${cluster.node('worker-1').pgPort} limit 1`,
      )
      await other.query(`select note from orders where id = ${rows[0]?.id} ${comment}`)
    } finally {
      await other.end()
    }
    const spans = await traceOf(traceId, (found) =>
      found.some(({ attributes }) => attributes['citus.executed'] === 'locally'),
    )
    assert.ok(spans.some(({ kind: how }) => how === 'SPAN_KIND_INTERNAL'))
    const unasked = callerOf('unasked', false)
    await client.query(`select pg_sleep(0.2) from orders where id = 6 ${unasked.comment}`)
    const { traceId: next, comment: asked } = callerOf('asked-after')
    await client.query(`select pg_sleep(0.2) from orders where id = 6 ${asked}`)
    await traceOf(next, (found) => tasks(found).length > 0)
    assert.ok(receiver.spans.every((span) => span.traceId !== unasked.traceId))
  })

  test('tells how it was found, how many nobody knew, and how the clocks differ', async () => {
    const page = await eventually('metrics tell it', async () => {
      const { body } = await cluster.node('worker-1').sidecar.get('/metrics')
      return body.includes('citus_peer_clock_offset_seconds{') ? body : undefined
    })
    assert.match(page, /^citus_sidecar_statement_links_total\{method="command"\} [1-9]/m)
    const offsets = [...page.matchAll(/^citus_peer_clock_offset_seconds\{peer="\d+"\} (\S+)$/gm)].map(([, value]) =>
      Number(value),
    )
    assert.ok(offsets.length > 0 && offsets.every((offset) => Math.abs(offset) < 0.5), offsets.join())
  })

  test('ends where the sidecar that knows it is away: what is slow is told alone, and says why', async () => {
    const { traceId, comment } = callerOf('nobody-knows')
    await cluster.coordinator.sidecar.kill()
    await client.query(`select pg_sleep(1.2) from orders where id = 8 ${comment}`)
    const alone = await eventually('the task is told alone', () =>
      receiver.spans.find(({ attributes }) => attributes['citus.link'] === 'unresolved'),
    )
    assert.equal(alone.parentSpanId, '')
    assert.equal(alone.attributes['sampling.reason'], 'slow')
    cluster.coordinator.sidecar.start(readingEnv(cluster.coordinator, options))
    await joined(cluster.coordinator)
    // Written while nobody read it, and told by the one that came after.
    await traceOf(traceId, (found) => found.length > 0)
  })

  test('tells no value of anything to anybody', () => {
    for (const body of receiver.bodies) assert.doesNotMatch(body.toString('latin1'), /'same'|'p'/)
  })
})

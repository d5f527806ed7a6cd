// Spans of an application's statements from the log of a real server to a real receiver: whose child they are, what they tell, what stays.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Client } from 'pg'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { application, callerOf, startLogged } from '../support/logged-cluster.ts'
import { OtlpReceiver } from '../support/otlp-receiver.ts'
import type { ReceivedSpan } from '../support/otlp-receiver.ts'

suite('spans of statements', () => {
  let receiver: OtlpReceiver
  let cluster: LocalCluster
  let client: Client
  before(async () => {
    receiver = await OtlpReceiver.start()
    cluster = await startLogged({ workers: 0, receiver, env: { CITUS_SIDECAR_SLOW_STATEMENT: '300ms' } })
    client = await application(cluster.coordinator)
    await client.query('create table orders (id bigint primary key, note text)')
  })
  after(async () => {
    await client.end()
    await cluster.down()
    await receiver[Symbol.asyncDispose]()
  })

  /** The spans of a trace that are PostgreSQL's, once there are so many. */
  async function spansOf(traceId: string, count = 1): Promise<readonly ReceivedSpan[]> {
    return await eventually(`${count} spans of the trace arrive`, () => {
      const found = receiver.spans.filter((span) => span.traceId === traceId)
      return found.length >= count ? found : undefined
    })
  }

  test('are children of the caller that asked for them, with what PostgreSQL did and without any value', async () => {
    const { traceId, spanId, comment } = callerOf('by-comment')
    await client.query(`insert into orders values (4711, 'a secret') ${comment}`)
    const [span] = await spansOf(traceId)
    assert.ok(span !== undefined)
    assert.deepEqual([span.name, span.kind, span.parentSpanId], ['INSERT orders', 'SPAN_KIND_SERVER', spanId])
    const { attributes, resource } = span
    assert.equal(attributes['db.query.text'], 'insert into orders values(?)')
    assert.equal(attributes['db.query.summary'], 'INSERT orders')
    assert.equal(attributes['db.system.name'], 'postgresql')
    assert.equal(attributes['db.namespace'], 'app')
    assert.equal(attributes['sampling.reason'], 'caller')
    assert.match(String(attributes['postgresql.query_id']), /^-?\d{5,20}$/)
    assert.equal(resource['service.name'], 'citus-coordinator')
    assert.equal(resource['service.instance.id'], 'coordinator')
    assert.ok(span.took > 0)
  })

  test('are asked for by application_name and by a parameter of the transaction, too', async () => {
    const named = callerOf('by-name')
    await client.query(`set application_name = '${named.text}'`)
    await client.query('select 1')
    await client.query(`set application_name = 'shop'`)
    assert.equal((await spansOf(named.traceId))[0]?.parentSpanId, named.spanId)
    const set = callerOf('by-parameter')
    await client.query('begin')
    await client.query(`set local app.traceparent = '${set.text}'`)
    await client.query('select count(*) from orders')
    await client.query('commit')
    await client.query('select 2')
    const spans = await spansOf(set.traceId, 2)
    assert.ok(spans.some(({ name }) => name === 'SELECT orders'))
    assert.ok(spans.every(({ attributes }) => attributes['db.query.text'] !== 'select 2'))
  })

  test('tell parse and bind apart in the extended protocol, and no parameter', async () => {
    const { traceId, comment } = callerOf('extended')
    await client.query(`select note from orders where id = $1 ${comment}`, [4711])
    const [span] = await spansOf(traceId)
    assert.equal(span?.attributes['db.query.text'], 'select note from orders where id = ?')
    assert.ok(Number(span?.attributes['postgresql.parse.duration']) > 0)
    assert.ok(Number(span?.attributes['postgresql.bind.duration']) > 0)
  })

  test('of statements that failed have the SQLSTATE, and say that their begin is a guess where it is', async () => {
    const { traceId, comment } = callerOf('failed')
    await assert.rejects(client.query(`insert into orders values (4711, 'again') ${comment}`))
    const [span] = await spansOf(traceId)
    assert.equal(span?.attributes['db.response.status_code'], '23505')
    assert.equal(span?.status.code, 'STATUS_CODE_ERROR')
    assert.equal(span?.status.message, '')
    assert.equal(span?.attributes['citus.span.estimated_start'], true)
  })

  test('that nobody asked for are told of slow ones alone, with a link to the caller', async () => {
    const caller = callerOf('unasked', false)
    await client.query(`select 'fast' ${caller.comment}`)
    await client.query(`select pg_sleep(0.4) ${caller.comment}`)
    const span = await eventually('the slow one arrives', () =>
      receiver.spans.find(({ links }) => links.some(({ traceId }) => traceId === caller.traceId)),
    )
    assert.deepEqual([span.name, span.parentSpanId, span.links[0]?.spanId], ['SELECT', '', caller.spanId])
    assert.equal(span.attributes['sampling.reason'], 'slow')
    assert.ok(span.took >= 400 && span.took < 20_000, String(span.took))
    assert.ok(receiver.spans.every(({ traceId }) => traceId !== caller.traceId))
  })

  test('are named in the histogram of how long statements took, the last one of each bucket', async () => {
    const { traceId, comment } = callerOf('bucket')
    await client.query(`select pg_sleep(1.2) ${comment}`)
    const [span] = await spansOf(traceId)
    const bucket = /^citus_sidecar_logged_statement_duration_seconds_bucket\{kind="client",le="5.0"\} \d+ # (.*)$/m
    const told = await eventually('its bucket is told', async () => {
      const accept = 'application/openmetrics-text'
      const answer = await fetch(`${cluster.coordinator.url}/metrics`, { headers: { accept } })
      return bucket.exec(await answer.text())?.[1]
    })
    assert.ok(told.startsWith(`{trace_id="${traceId}",span_id="${span?.spanId}"} 1.2`), told)
  })

  test('tell no value of anything to anybody', () => {
    for (const body of receiver.bodies) assert.doesNotMatch(body.toString('latin1'), /4711|secret/)
  })
})

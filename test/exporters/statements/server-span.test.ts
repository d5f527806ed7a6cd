// What a span tells of a statement and of what Citus did for it, and what of a plan is told.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { planWithoutValues } from '../../../exporters/statements/plan.ts'
import { commandSpan, serverSpan } from '../../../exporters/statements/server-span.ts'
import type { Standing } from '../../../exporters/statements/server-span.ts'
import type { RemoteCommand, Statement } from '../../../exporters/statements/statement.ts'
import { noon, shape, statement } from '../../support/statements.ts'

const ids = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }
const parent = { traceId: ids.traceId, spanId: 'c'.repeat(16), sampled: true }
const standing: Standing = {
  ids,
  sampled: { reason: 'caller', parent, caller: undefined },
  address: { host: 'worker-0', port: 5432 },
  gpid: '10000000041',
}

function span(change: Partial<Statement> = {}, of: Partial<Standing> = {}) {
  return serverSpan(statement(change), shape, { ...standing, ...of })
}

suite('the span of a statement', () => {
  test('has the stable names of databases, big numbers as text, and no literal', () => {
    const found = span({ parseMs: 0.25, bindMs: 1.5 })
    assert.deepEqual([found.name, found.kind, found.parentSpanId], ['SELECT orders', 'server', parent.spanId])
    assert.deepEqual([found.startedAt, found.endedAt], [noon - 10, noon])
    assert.deepEqual(found.attributes, {
      'db.system.name': 'postgresql',
      'db.namespace': 'shop',
      'db.query.summary': 'SELECT orders',
      'db.query.text': 'select * from orders where id = ?',
      'server.address': 'worker-0',
      'server.port': 5432,
      'postgresql.query_id': '-8641147011481183662',
      'postgresql.backend.pid': 41,
      'postgresql.session_id': '65a.29',
      'postgresql.parse.duration': 0.000_25,
      'postgresql.bind.duration': 0.0015,
      'citus.gpid': '10000000041',
      'sampling.reason': 'caller',
    })
    assert.doesNotMatch(JSON.stringify(found), /secret/)
  })

  test('that failed has the SQLSTATE, and says where its begin is a guess', () => {
    const { attributes, failed } = span({ failed: '23505', startEstimated: true })
    assert.equal(failed, '23505')
    assert.equal(attributes['error.type'], '23505')
    assert.equal(attributes['db.response.status_code'], '23505')
    assert.equal(attributes['citus.span.estimated_start'], true)
  })

  test('that was moved into its parent keeps what the log said, exactly', () => {
    const { startedAt, attributes } = span({}, { within: { startedAt: noon - 4, endedAt: noon }, link: 'time' })
    assert.equal(startedAt, noon - 4)
    assert.equal(attributes['citus.span.raw_start'], `${BigInt(noon - 10) * 1_000_000n}`)
    assert.equal(attributes['citus.span.raw_end'], `${BigInt(noon) * 1_000_000n}`)
    assert.equal(attributes['citus.link'], 'time')
    assert.equal(span().attributes['citus.span.raw_start'], undefined)
  })

  test('of its own is linked to the caller that did not ask for it', () => {
    const found = span({}, { sampled: { reason: 'slow', parent: undefined, caller: parent } })
    assert.equal(found.parentSpanId, undefined)
    assert.equal(found.links[0]?.spanId, parent.spanId)
  })
})

suite('the span of a command for another node', () => {
  const command: RemoteCommand = {
    text: 'select 1',
    issuedAt: noon - 8,
    endedAt: noon + 5,
    server: 'worker-1.db.svc:5432',
    connection: '3',
    place: undefined,
  }
  test('is under its statement, within its time, and names the node', () => {
    const found = commandSpan(statement(), 2, command, { ...shape, shards: ['102008'] }, 'd'.repeat(16), ids)
    assert.deepEqual([found.kind, found.traceId, found.parentSpanId], ['client', ids.traceId, ids.spanId])
    assert.deepEqual([found.startedAt, found.endedAt], [noon - 8, noon])
    assert.equal(found.attributes['server.address'], 'worker-1.db.svc')
    assert.equal(found.attributes['server.port'], 5432)
    assert.equal(found.attributes['citus.task.index'], 2)
    assert.deepEqual(found.attributes['citus.shard.id'], ['102008'])
  })

  test('is internal where it ran on this node itself', () => {
    const found = commandSpan(statement(), 0, { ...command, server: undefined }, shape, 'd'.repeat(16), ids)
    assert.deepEqual([found.kind, found.attributes['citus.executed']], ['internal', 'locally'])
    assert.equal(found.attributes['server.address'], undefined)
  })

  test('names a node by an IPv6 address', () => {
    const found = commandSpan(statement(), 0, { ...command, server: 'fd00::7:5433' }, shape, 'd'.repeat(16), ids)
    assert.deepEqual([found.attributes['server.address'], found.attributes['server.port']], ['fd00::7', 5433])
  })
})

suite('a plan', () => {
  test('is told without the values in its conditions and without the statement', () => {
    const told = planWithoutValues(
      JSON.stringify({
        'Query Text': "select * from t where a = 'secret'",
        Plan: {
          'Node Type': 'Seq Scan',
          'Relation Name': 't',
          'Total Cost': 1.5,
          Filter: "((a = 'secret'::text) AND (b > 4711))",
          Output: ['a', "'secret'::text"],
          Plans: [{ 'Node Type': 'Result', 'One-Time Filter': "('secret'::text = $0)" }],
        },
      }),
    )
    assert.deepEqual(JSON.parse(told ?? ''), {
      Plan: {
        'Node Type': 'Seq Scan',
        'Relation Name': 't',
        'Total Cost': 1.5,
        Filter: '((a = ?) and(b > ?))',
        Output: ['a', '?'],
        Plans: [{ 'Node Type': 'Result', 'One-Time Filter': '(? = ?)' }],
      },
    })
  })

  test('that is no JSON, as that of a coordinator may be, or very long, is not told', () => {
    assert.equal(planWithoutValues('Seq Scan on t  (cost=0.00..1.00)'), undefined)
    assert.equal(planWithoutValues('{"Plan": {"Remote Plan": [ Seq Scan ]}}'), undefined)
    assert.equal(planWithoutValues(JSON.stringify({ Plan: 'x, '.repeat(30_000) })), undefined)
  })

  test('reaches its span as an event', () => {
    const { events } = span({ plan: '{"Plan":{"Node Type":"Seq Scan","Filter":"(a = 5)"}}' })
    assert.deepEqual(events[0]?.attributes, {
      'postgresql.plan': '{"Plan":{"Node Type":"Seq Scan","Filter":"(a = ?)"}}',
    })
  })
})

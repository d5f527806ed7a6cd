// Which spans are made of a statement, and that a statement which is read again is told by the same ones.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Sampling } from '../../../exporters/statements/sampling.ts'
import { SpanMaker } from '../../../exporters/statements/span-maker.ts'
import type { ServerSpan } from '../../../exporters/statements/server-span.ts'
import type { RemoteCommand, Statement } from '../../../exporters/statements/statement.ts'
import { noon, shape, statement } from '../../support/statements.ts'

function maker(host = 'worker-0'): SpanMaker {
  return new SpanMaker({
    sampling: new Sampling({ perMinute: 1_000, ownPerMinute: 1_000, slowMs: 1 }),
    address: { host, port: 5432 },
    shapeOf: () => shape,
    gpidOf: () => undefined,
    now: () => noon,
  })
}

function made(one: Statement, host?: string): readonly ServerSpan[] {
  const spans = maker(host)
  spans.ofClient(one, shape)
  return spans.take(100)
}

function command(issuedAt: number): RemoteCommand {
  const server = 'worker-1:5432'
  return { text: 'select 1', issuedAt, endedAt: issuedAt + 1, server, connection: '1', place: undefined }
}

suite('the spans of a statement', () => {
  const two = statement({ commands: [command(noon - 8), command(noon - 4)] })

  test('are the same when its line is read again, and others of another line, session or node', () => {
    const [first, again] = [made(two), made(two)]
    assert.deepEqual(first, again)
    const { record } = two
    const others = [
      made({ ...two, record: { ...record, line: 8 } }),
      made({ ...two, record: { ...record, session: '65a.30' } }),
      made({ ...two, endedAt: noon + 86_400_000 }),
      made(two, 'worker-1'),
    ]
    const ids = [first, ...others].flatMap((spans) => spans.map(({ spanId }) => spanId))
    assert.equal(new Set(ids).size, 5 * 3)
    assert.ok(ids.every((id) => /^[0-9a-f]{16}$/.test(id)))
    const traces = [first, ...others].map(([span]) => span?.traceId ?? '')
    assert.equal(new Set(traces).size, 5)
    assert.ok(traces.every((id) => /^[0-9a-f]{32}$/.test(id)))
  })

  test('are none of commands that were sent before it began, for a statement that was too fast to be logged', () => {
    const spans = maker()
    const one = statement({ commands: [command(noon - 900), command(noon - 8)] })
    const { commandSpans } = spans.ofClient(one, shape)
    const [server, ...sent] = spans.take(100)
    assert.equal(server?.attributes['citus.task.count'], 1)
    assert.deepEqual(
      sent.map(({ spanId, startedAt }) => [spanId, startedAt]),
      [[commandSpans[1], noon - 8]],
    )
    assert.equal(commandSpans[0], undefined)
  })

  test('are named by how long it took, the last one for each bucket, and none whose duration is a guess', () => {
    const spans = maker()
    const first = statement({})
    const second = { ...first, startedAt: first.startedAt + 1, endedAt: first.endedAt + 1 }
    spans.ofClient(first, shape)
    spans.ofClient(second, shape)
    spans.ofClient(statement({ startEstimated: true, endedAt: noon + 2 }), shape)
    const told = spans.lastTold('client').filter((one) => one !== undefined)
    const [, last] = spans.take(100)
    assert.deepEqual(told, [
      {
        traceId: last?.traceId,
        spanId: last?.spanId,
        seconds: (second.endedAt - second.startedAt) / 1_000,
        at: second.endedAt,
      },
    ])
    assert.deepEqual(spans.lastTold('task'), [])
  })
})

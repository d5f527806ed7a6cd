// How many tasks on workers find the statement that sent them, and whether it is the right one: on real Citus, many clients at once.
import type { Client } from 'pg'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { application, startLogged } from '../support/logged-cluster.ts'
import { OtlpReceiver } from '../support/otlp-receiver.ts'
import type { ReceivedSpan } from '../support/otlp-receiver.ts'
import type { Claim, Result } from './claim.ts'

const clients = 8
const each = 50
const shards = 32

interface Way {
  readonly what: string
  readonly link: string
  readonly target: string
  readonly least: number
  /** What each session does first. */
  readonly before: readonly string[]
  /** A statement whose alias is its number: the one thing that its task and its span have of it. */
  readonly statements: (number: number, traceparent: string) => readonly string[]
}

const id = (number: number): number => (number % 1_000) + 1
const comment = (traceparent: string): string => `/*traceparent='${traceparent}'*/`

const ways: readonly Way[] = [
  {
    what: 'statements of 100 ms, by time',
    link: 'time',
    target: '>= 99 %, 0 wrong',
    least: 0.99,
    before: [],
    statements: (number, traceparent) => [
      `select pg_sleep(0.1) as n_${number} from orders where id = ${id(number)} ${comment(traceparent)}`,
    ],
  },
  {
    what: 'statements of less than 1 ms, Citus says what it sends',
    link: 'command',
    target: '100 %, 0 wrong',
    least: 1,
    before: [
      'set citus.log_remote_commands to on',
      'set client_min_messages to warning',
      'set log_min_messages to notice',
    ],
    statements: (number, traceparent) => [
      `select note as n_${number} from orders where id = ${id(number)} ${comment(traceparent)}`,
    ],
  },
  {
    what: 'statements of less than 1 ms in transactions that hand on their caller',
    link: 'context',
    target: '100 %, 0 wrong',
    least: 1,
    before: [],
    statements: (number, traceparent) => [
      'begin',
      `set local citus.propagate_set_commands to 'local'`,
      `set local app.traceparent = '${traceparent}'`,
      `select note as n_${number} from orders where id = ${id(number)}`,
      'commit',
    ],
  },
]

function traceOf(way: number, number: number): string {
  return `${way + 1}${String(number).padStart(31, '0')}`
}

async function send(client: Client, way: Way, at: number, first: number): Promise<void> {
  for (const text of way.before) await client.query(text)
  for (let number = first; number < first + each; number += 1)
    for (const text of way.statements(number, `00-${traceOf(at, number)}-00000000000000aa-01`)) await client.query(text)
}

async function measure(cluster: LocalCluster, receiver: OtlpReceiver, at: number): Promise<Result> {
  const way = ways[at]
  if (way === undefined) throw new RangeError(`there is no way ${at}`)
  const sessions = await Promise.all(
    Array.from({ length: clients }, async () => await application(cluster.coordinator)),
  )
  await Promise.all(sessions.map(async (client, index) => await send(client, way, at, index * each)))
  for (const session of sessions) await session.end()
  const all = clients * each
  const tasks = (): readonly ReceivedSpan[] =>
    receiver.spans.filter(
      ({ traceId, resource, attributes }) =>
        traceId.startsWith(`${at + 1}0`) &&
        resource['service.name'] === 'citus-worker' &&
        / n_\d+/.test(String(attributes['db.query.text'])),
    )
  // All of them, or those that will ever come.
  await eventually('the tasks have come', () => tasks().length >= all).catch(() => undefined)
  const found = tasks()
  const right = found.filter(({ traceId, attributes, parentSpanId }) => {
    const number = Number(/ n_(\d+)/.exec(String(attributes['db.query.text']))?.[1])
    const above = receiver.spans.find(({ spanId }) => spanId === parentSpanId)
    // A task whose statement is not sure is under the caller itself.
    const known = above !== undefined || parentSpanId === '00000000000000aa'
    return traceId === traceOf(at, number) && known && attributes['citus.link'] === way.link
  })
  const wrong = found.length - right.length
  return {
    what: way.what,
    value: `${right.length} of ${all} under the statement that sent them (${((right.length / all) * 100).toFixed(1)} %), ${wrong} wrong`,
    target: way.target,
    met: right.length / all >= way.least && wrong === 0,
  }
}

export const links: Claim = {
  name: 'links',
  how: `a coordinator and two workers on real Citus, every statement logged; ${clients} clients of ${each} statements each at once, on ${shards} shards; each statement has a number in an alias, which its task has too, so that a wrong link shows`,
  run: async () => {
    await using receiver = await OtlpReceiver.start()
    const env = { CITUS_SIDECAR_SPANS_PER_MINUTE: '1000000', OTEL_BSP_MAX_QUEUE_SIZE: '16384' }
    await using cluster = await startLogged({ workers: 2, receiver, env })
    if (cluster.kind !== 'citus')
      return [{ what: 'links', value: 'not measured: real Citus only', target: undefined, met: undefined }]
    const client = await application(cluster.coordinator)
    await client.query('create table orders (id bigint primary key, note text)')
    await client.query(`select create_distributed_table('orders', 'id', shard_count => ${shards})`)
    await client.query('insert into orders select i, i from generate_series(1, 1000) i')
    await client.end()
    const found: Result[] = []
    for (const at of ways.keys()) found.push(await measure(cluster, receiver, at))
    return found
  },
}

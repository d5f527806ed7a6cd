// A statement -> the spans that tell of it, by OpenTelemetry's conventions: https://opentelemetry.io/docs/specs/semconv/db/postgresql/.
// A server's side of a query has no conventions yet; it is told as SERVER, with what Citus sent to other nodes as CLIENT under it.
import type { LinkMethod } from './link.ts'
import { planWithoutValues } from './plan.ts'
import type { Sampled } from './sampling.ts'
import type { RemoteCommand, Shape, Statement } from './statement.ts'

export type Attributes = Readonly<Record<string, string | number | boolean | readonly string[]>>

export interface SpanIds {
  readonly traceId: string
  readonly spanId: string
}

/** A span as it is told, made by hand; times in milliseconds since 1970 with fractions. */
export interface ServerSpan extends SpanIds {
  readonly parentSpanId: string | undefined
  readonly name: string
  readonly kind: 'server' | 'client' | 'internal'
  readonly startedAt: number
  readonly endedAt: number
  readonly attributes: Attributes
  readonly links: readonly SpanIds[]
  /** SQLSTATE. */
  readonly failed: string | undefined
  readonly events: readonly { readonly name: string; readonly at: number; readonly attributes: Attributes }[]
}

/** Where a span stands, and what else is known of it. */
export interface Standing {
  readonly ids: SpanIds
  readonly sampled: Sampled
  /** Of this node. */
  readonly address: { readonly host: string; readonly port: number }
  /** By Citus' numbers; undefined where nobody knows this node's. */
  readonly gpid: string | undefined
  /** How its parent on another node was found, for a task. */
  readonly link?: LinkMethod | 'unresolved'
  /** Times that fit into the parent's; what the log says stays beside them. */
  readonly within?: { readonly startedAt: number; readonly endedAt: number }
}

const nanoseconds = 1_000_000n

/** Nanoseconds since 1970 as text: more than a number holds exactly. */
function nano(ms: number): string {
  return String(BigInt(Math.round(ms * 1_000)) * (nanoseconds / 1_000n))
}

function defined(values: Readonly<Record<string, Attributes[string] | undefined>>): Attributes {
  return Object.fromEntries(
    Object.entries(values).filter((one): one is [string, Attributes[string]] => one[1] !== undefined),
  )
}

function databaseOf(statement: Statement, { summary, text }: Shape): Attributes {
  return defined({
    'db.system.name': 'postgresql',
    'db.namespace': statement.record.database,
    'db.query.summary': summary,
    'db.query.text': text === '' ? undefined : text,
  })
}

/** The span of the statement itself. */
export function serverSpan(statement: Statement, shape: Shape, standing: Standing): ServerSpan {
  const { record, failed, startEstimated, plan, endedAt, startedAt, parseMs, bindMs } = statement
  const { ids, sampled, address, gpid, link, within = statement } = standing
  const moved = within.startedAt !== startedAt || within.endedAt !== endedAt
  const told = plan === undefined ? undefined : planWithoutValues(plan)
  return {
    ...ids,
    parentSpanId: sampled.parent?.spanId,
    name: shape.summary,
    kind: 'server',
    startedAt: within.startedAt,
    endedAt: within.endedAt,
    attributes: {
      ...databaseOf(statement, shape),
      ...defined({
        'server.address': address.host,
        'server.port': address.port,
        'db.response.status_code': failed,
        'error.type': failed,
        'postgresql.query_id': statement.queryId,
        'postgresql.backend.pid': record.pid,
        'postgresql.session_id': record.session,
        'postgresql.parse.duration': parseMs === undefined ? undefined : parseMs / 1_000,
        'postgresql.bind.duration': bindMs === undefined ? undefined : bindMs / 1_000,
        'citus.gpid': gpid,
        'citus.shard.id': shape.shards.length === 0 ? undefined : shape.shards,
        'citus.task.count': statement.commands.length === 0 ? undefined : statement.commands.length,
        'citus.link': link,
        'citus.span.estimated_start': startEstimated ? true : undefined,
        'citus.span.raw_start': moved ? nano(startedAt) : undefined,
        'citus.span.raw_end': moved ? nano(endedAt) : undefined,
        'sampling.reason': sampled.reason,
      }),
    },
    links: sampled.caller === undefined ? [] : [sampled.caller],
    failed,
    events:
      told === undefined
        ? []
        : [{ name: 'postgresql.plan', at: within.endedAt, attributes: { 'postgresql.plan': told } }],
  }
}

/** `host:port`, with an IPv6 host as Citus writes it. */
function addressOf(server: string): { readonly host: string; readonly port: number } {
  const colon = server.lastIndexOf(':')
  return { host: server.slice(0, colon), port: Number(server.slice(colon + 1)) }
}

/** The span of what Citus asked of a node for a statement, or did in its place: the nth of its tasks, under its span. */
export function commandSpan(
  statement: Statement,
  nth: number,
  command: RemoteCommand,
  shape: Shape,
  spanId: string,
  parent: SpanIds,
): ServerSpan {
  const server = command.server === undefined ? undefined : addressOf(command.server)
  return {
    traceId: parent.traceId,
    spanId,
    parentSpanId: parent.spanId,
    name: shape.summary,
    kind: server === undefined ? 'internal' : 'client',
    startedAt: Math.max(command.issuedAt, statement.startedAt),
    endedAt: Math.min(Math.max(command.endedAt, command.issuedAt), statement.endedAt),
    attributes: {
      ...databaseOf(statement, shape),
      ...defined({
        'server.address': server?.host,
        'server.port': server?.port,
        'citus.task.index': nth,
        'citus.connection.id': command.connection,
        'citus.shard.id': shape.shards.length === 0 ? undefined : shape.shards,
        'citus.executed': server === undefined ? 'locally' : undefined,
      }),
    },
    links: [],
    failed: undefined,
    events: [],
  }
}

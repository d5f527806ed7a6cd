// Asks as the query of a GET, and answers as JSON. What comes over the wire is somebody else's word: every field is checked.
import type { AskBatch, LinkAnswer, LinkAnswers, LinkAsk } from './link.ts'
import { unknownReasons } from './link.ts'

export const linksPath = '/links'

/** Asks in one request: with all fields they are half of the 8 KiB that a server takes. */
export const mostAsks = 32
/** An exchange that took longer was given up, milliseconds. */
const worstUncertainty = 2_000

const askForm = 'GPID,STARTED,MILLISECONDS,HASH,TRANSACTION,NTH,SEEN,TRACE,SPAN'
const number = String.raw`\d{1,15}(?:\.\d{1,6})?`
const askPattern = new RegExp(
  `^(\\d{1,20}),(${number}),(${number}),([0-9a-f]{16}),(?:([0-9a-f]{16}),(\\d{1,9}),(\\d{1,9})|,,),(?:([0-9a-f]{32}),([0-9a-f]{16})|,)$`,
)

/** A request that is not understood, with the parameter, its value and what is allowed. */
export class BadLinks extends Error {
  override name = 'BadLinks'

  constructor(parameter: string, value: unknown, allowed: string) {
    super(`${parameter}: ${JSON.stringify(value)?.slice(0, 100)} is not ${allowed}`)
  }
}

/** Path and query of a request; every field is of letters that need no escape. */
export function linksUrl({ asks, uncertainty, from }: AskBatch): string {
  const query = [
    `uncertainty=${uncertainty.toFixed(3)}`,
    ...(from === undefined ? [] : [`from=${encodeURIComponent(from)}`]),
    ...asks.map((ask) => `ask=${askText(ask)}`),
  ]
  return `${linksPath}?${query.join('&')}`
}

function askText({ gpid, startedAt, endedAt, text, place, context }: LinkAsk): string {
  const where = place === undefined ? ',,' : `${place.transaction},${place.nth},${place.seen}`
  const trace = context === undefined ? ',' : `${context.traceId},${context.spanId}`
  return `${gpid},${startedAt.toFixed(3)},${Math.max(0, endedAt - startedAt).toFixed(3)},${text},${where},${trace}`
}

/** What a query asks. @throws BadLinks. */
export function readLinks(query: Readonly<Record<string, unknown>>): AskBatch {
  const { uncertainty, from, ask = [], ...others } = query
  const [other] = Object.keys(others)
  if (other !== undefined) throw new BadLinks(other, others[other], 'asked here; what is: uncertainty, from, ask')
  if (
    typeof uncertainty !== 'string' ||
    !/^\d{1,5}(?:\.\d{1,6})?$/.test(uncertainty) ||
    Number(uncertainty) > worstUncertainty
  )
    throw new BadLinks('uncertainty', uncertainty, `milliseconds from 0 to ${worstUncertainty}`)
  if (from !== undefined && (typeof from !== 'string' || !/^\S{1,255}:\d{1,5}$/.test(from)))
    throw new BadLinks('from', from, 'HOST:PORT')
  const asks: readonly unknown[] = Array.isArray(ask) ? ask : [ask]
  if (asks.length > mostAsks) throw new BadLinks('ask', asks.length, `a number of asks up to ${mostAsks}`)
  return { uncertainty: Number(uncertainty), from, asks: asks.map(readAsk) }
}

function readAsk(text: unknown): LinkAsk {
  const fields = typeof text === 'string' ? askPattern.exec(text) : null
  if (fields === null) throw new BadLinks('ask', text, askForm)
  const [, gpid = '', started, lasted, hash = '', transaction, nth, seen, traceId, spanId] = fields
  const startedAt = Number(started)
  return {
    gpid,
    startedAt,
    endedAt: startedAt + Number(lasted),
    text: hash,
    place: transaction === undefined ? undefined : { transaction, nth: Number(nth), seen: Number(seen) },
    context: traceId === undefined || spanId === undefined ? undefined : { traceId, spanId },
  }
}

/** What was answered to so many asks; undefined where it is no such answer. */
export function readAnswers(text: string, count: number): LinkAnswers | undefined {
  const said = parsed(text)
  if (typeof said !== 'object' || said === null) return undefined
  const { receivedAt, sentAt, answers } = said as Partial<Record<keyof LinkAnswers, unknown>>
  if (!isTime(receivedAt) || !isTime(sentAt) || !Array.isArray(answers) || answers.length !== count) return undefined
  return answers.every(isAnswer) ? { receivedAt, sentAt, answers } : undefined
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Of some thousand years, for what is not can be sent to no receiver. */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < 1e14
}

function isAnswer(value: unknown): value is LinkAnswer {
  if (typeof value !== 'object' || value === null) return false
  const one = value as Readonly<Record<string, unknown>>
  if (one['pending'] === true) return true
  if (typeof one['unknown'] === 'string') return Object.hasOwn(unknownReasons, one['unknown'])
  return (
    ['command', 'context', 'time'].includes(String(one['method'])) &&
    /^[0-9a-f]{32}$/.test(String(one['traceId'])) &&
    /^[0-9a-f]{16}$/.test(String(one['spanId'])) &&
    typeof one['sampled'] === 'boolean' &&
    isTime(one['startedAt']) &&
    isTime(one['endedAt'])
  )
}

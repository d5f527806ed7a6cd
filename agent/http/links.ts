// /links: the parents of the tasks that another node's sidecar asks for; nothing is listed, and no text is ever told.
import type { FastifyInstance } from 'fastify'
import { BadLinks, linksPath, readLinks } from '../../exporters/statements/link-wire.ts'
import type { AskBatch } from '../../exporters/statements/link.ts'
import { reasonOf } from '../errors.ts'
import type { View } from './view.ts'

/** Requests that are answered a second and at once; a peer with a thousand tasks a second sends thirty. */
const perSecond = 100
const atOnce = 300
/** The thread that reads the log has this long, milliseconds. */
const deadline = 500

/** Whether one more is within the rate; `now` in milliseconds. */
export function rateLimit(most: { readonly perSecond: number; readonly atOnce: number }): (now: number) => boolean {
  let left = most.atOnce
  let before = -Infinity
  return (now) => {
    left = Math.min(most.atOnce, left + (Math.max(0, now - before) / 1_000) * most.perSecond)
    before = now
    if (left < 1) return false
    left -= 1
    return true
  }
}

/** Adds the route; `now` is the wall clock with fractions, milliseconds since 1970. */
export function linksRoute(app: FastifyInstance, view: View, now: () => number): void {
  const mayAsk = rateLimit({ perSecond, atOnce })
  app.get<{ Querystring: Record<string, unknown> }>(linksPath, async ({ query }, reply) => {
    const receivedAt = now()
    const { links } = view
    if (links === undefined) return await reply.code(404).send('no spans are made of queries here\n')
    if (!mayAsk(receivedAt)) return await reply.code(429).header('retry-after', '1').send('too many requests\n')
    let batch: AskBatch
    try {
      batch = readLinks(query)
    } catch (error) {
      if (error instanceof BadLinks) return await reply.code(400).send(`${error.message}\n`)
      throw error
    }
    try {
      const answers = await links(batch, AbortSignal.timeout(deadline))
      return await reply.send({ receivedAt, sentAt: now(), answers })
    } catch (error) {
      return await reply.code(503).send(`the reader of the log does not answer: ${reasonOf(error)}\n`)
    }
  })
}

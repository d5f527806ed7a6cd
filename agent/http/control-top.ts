// The statements of the last minutes on the control socket.
import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import { mostMinutes, mostShown, topKinds, topOrders } from '../../exporters/statements/top-report.ts'
import type { TopQuery, TopReport } from '../../exporters/statements/top-report.ts'

/** What commands can ask of statements. */
export type AskTop = (query: TopQuery) => Promise<TopReport>

const query = z.strictObject({
  minutes: z.coerce.number().int().min(1).max(mostMinutes),
  limit: z.coerce.number().int().min(1).max(mostShown),
  by: z.enum(topOrders),
  kind: z.enum(topKinds),
}) satisfies z.ZodType<TopQuery>

/** Adds the route of the statements. */
export function topRoute(app: FastifyInstance, top: AskTop): void {
  app.get('/v1/top', async (request, reply) => {
    const { data, error } = query.safeParse(request.query)
    return await (error === undefined ? top(data) : reply.code(400).send({ error: z.prettifyError(error) }))
  })
}

// The drain on the control socket: begin or join, look, cancel, plan.
import type { FastifyInstance } from 'fastify'
import type { DrainPlan, DrainView } from '../drain/view.ts'

/** What commands can ask of a drain. */
export interface DrainControls {
  /** Begins a drain or joins the one that goes on. */
  begin(): Promise<DrainView>
  view(): DrainView | undefined
  /** undefined when none goes on. */
  cancel(): DrainView | undefined
  /** Asks PostgreSQL first what a stop would cost now. */
  plan(signal: AbortSignal): Promise<DrainPlan>
}

/** Adds the routes of the drain. */
export function drainRoutes(app: FastifyInstance, drain: DrainControls): void {
  app.post('/v1/drain', async () => await drain.begin())
  app.get('/v1/drain', async (_request, reply) => await reply.send(drain.view() ?? null))
  app.post('/v1/drain/cancel', async (_request, reply) => {
    const view = drain.cancel()
    return await (view === undefined ? reply.code(409).send({ error: 'no drain is going on' }) : reply.send(view))
  })
  app.get('/v1/drain/plan', async (request) => {
    const gone = new AbortController()
    request.raw.socket.once('close', () => gone.abort())
    return await drain.plan(gone.signal)
  })
}

// /metrics for Prometheus.
import type { FastifyInstance } from 'fastify'
import type { View } from './view.ts'

/** Adds the scrape route. */
export function metricsRoute(app: FastifyInstance, view: View): void {
  app.get('/metrics', async (_request, reply) => await reply.type(view.metricsType).send(await view.metrics()))
}

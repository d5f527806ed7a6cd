// /status: everything this sidecar knows, as JSON for people and scripts.
import type { FastifyInstance } from 'fastify'
import type { View } from './view.ts'

/** Adds the status route. */
export function statusRoute(app: FastifyInstance, view: View): void {
  app.get(
    '/status',
    async (_request, reply) =>
      await reply.type('application/json; charset=utf-8').send(JSON.stringify(view.status(), undefined, 2)),
  )
}

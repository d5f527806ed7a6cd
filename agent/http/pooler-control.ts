// The control socket of a pooler's sidecar: it tells its status and changes nothing.
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import { serverOptions } from './server.ts'
import type { StatusReport } from './status-report.ts'

/** Builds the control server without listening. */
export function buildPoolerControl(status: () => StatusReport): FastifyInstance {
  const app = Fastify({ ...serverOptions, bodyLimit: 16_384 })
  app.get('/v1/status', status)
  app.setNotFoundHandler(
    async (_request, reply) => await reply.code(404).send({ error: 'the sidecar of a pooler has no such command' }),
  )
  return app
}

// The pod-facing port: GET and HEAD of read-only pages, answered from memory; everything else is turned away early.
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import { healthRoutes } from './health.ts'
import { metricsRoute } from './metrics.ts'
import { roleRoutes } from './role.ts'
import { statusRoute } from './status.ts'
import type { View } from './view.ts'

/** A whole request has to arrive within this, milliseconds: probes and scrapes are small. */
const requestTimeout = 5_000
/** Requests have no body worth reading. */
const bodyLimit = 1_024
const maxHeaderSize = 8_192
/** More sockets than kubelet, Prometheus and people need; fewer than would hurt. */
const maxConnections = 256

/** Limits that both servers share. */
export const serverOptions = {
  logger: false,
  requestTimeout,
  connectionTimeout: 15_000,
  keepAliveTimeout: 15_000,
  forceCloseConnections: true,
  http: { maxHeaderSize, headersTimeout: requestTimeout },
} as const

/** Builds the server without listening; tests inject requests. */
export function buildServer(view: View): FastifyInstance {
  const app = Fastify({ ...serverOptions, bodyLimit })
  app.server.maxConnections = maxConnections
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('cache-control', 'no-store')
    if (request.method === 'GET' || request.method === 'HEAD') return
    await reply.code(405).header('allow', 'GET, HEAD').header('connection', 'close').send('only GET and HEAD\n')
  })
  app.setNotFoundHandler(async (_request, reply) => await reply.code(404).send('no such page\n'))
  app.setErrorHandler(async (error: { statusCode?: number; message: string }, _request, reply) => {
    // Whatever a request did wrong is the client's fault; nothing here can fail by itself.
    const status =
      error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500 ? error.statusCode : 400
    await reply.code(status).send(`${error.message}\n`)
  })
  healthRoutes(app, view)
  roleRoutes(app, view)
  metricsRoute(app, view)
  statusRoute(app, view)
  return app
}

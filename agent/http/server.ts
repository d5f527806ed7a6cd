// The pod-facing port: GET and HEAD of read-only pages, answered from memory; everything else is turned away early.
import type { IncomingHttpHeaders } from 'node:http'
import { wallClock } from '../../exporters/statements/wall-clock.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import { healthRoutes } from './health.ts'
import { linksRoute } from './links.ts'
import { metricsRoute } from './metrics.ts'
import { roleRoutes } from './role.ts'
import { statusRoute } from './status.ts'
import type { View } from './view.ts'

/** A whole request has to arrive within this, milliseconds: probes and scrapes are small. */
const requestTimeout = 5_000
/** Node looks for late requests only every 30 s unless told, milliseconds. */
const connectionsCheckingInterval = 1_000
/** Requests have no body worth reading. */
const bodyLimit = 1_024
const maxHeaderSize = 8_192
/** More sockets than kubelet, Prometheus and people need; fewer than would hurt. */
const maxConnections = 256

function unused(): never {
  throw new TypeError('bodies are checked with zod where they are read')
}

/** Fastify's own compilers of schemas (ajv) would cost every start 30 ms and 3 MB; no route has a schema. */
const compilersFactory = { buildValidator: unused, buildSerializer: unused }

/** Limits that both servers share. */
export const serverOptions = {
  logger: false,
  requestTimeout,
  connectionTimeout: 15_000,
  keepAliveTimeout: 15_000,
  forceCloseConnections: true,
  schemaController: { compilersFactory },
  http: { maxHeaderSize, headersTimeout: requestTimeout, connectionsCheckingInterval },
} as const

function hasBody(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

/** Says what every answer says; whether that was all, because the method is not served. */
function refused(request: FastifyRequest, reply: FastifyReply): boolean {
  void reply.header('cache-control', 'no-store')
  // A body is never read: the answer goes out and the connection ends, however much is still to come.
  if (hasBody(request.headers)) void reply.header('connection', 'close')
  if (request.method === 'GET' || request.method === 'HEAD') return false
  void reply.code(405).header('allow', 'GET, HEAD').header('connection', 'close').send('only GET and HEAD\n')
  return true
}

/** A path that cannot be decoded meets no hook; the method is looked at first all the same. */
function refusePath(error: Error, request: FastifyRequest, reply: FastifyReply): void {
  if (!refused(request, reply)) void reply.code(400).send(`${error.message}\n`)
}

/** Builds the server without listening; tests inject requests. */
export function buildServer(view: View): FastifyInstance {
  const app = Fastify({
    ...serverOptions,
    bodyLimit,
    frameworkErrors: (error, request, reply) => refusePath(error, request, reply),
  })
  app.server.maxConnections = maxConnections
  app.addHook('onRequest', async (request, reply) => {
    if (refused(request, reply)) await reply
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
  linksRoute(
    app,
    view,
    wallClock(Date.now, () => performance.now()),
  )
  return app
}

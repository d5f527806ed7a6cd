// The HTTP form of preStop, off unless configured: on a port of its own, behind a bearer token from a file.
import { createHash, timingSafeEqual } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import type { DrainView } from '../drain/view.ts'
import type { Clock } from '../loop/clock.ts'
import { serverOptions } from './server.ts'

/** How often a waiting request looks at the drain, milliseconds. */
const lookEvery = 50
/** The kubelet asks once; more than a few at a time is somebody else. */
const maxConnections = 16
/** Longer than any token; a file that is no token is not read into memory whole and compared. */
const longestToken = 4_096

export interface HookOptions {
  readonly tokenFile: string
  readonly clock: Clock
  /** Begins a drain or joins the one that is going on. */
  readonly begin: () => Promise<DrainView>
  readonly view: () => DrainView | undefined
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** The token as it is now, so that a rotation needs no restart; undefined when the file says none. */
async function readToken(path: string): Promise<string | undefined> {
  try {
    const token = (await readFile(path, 'utf8')).trim()
    return token === '' || token.length > longestToken ? undefined : token
  } catch {
    return undefined
  }
}

/** Builds the hook's server without listening. */
export function buildHook({ tokenFile, clock, begin, view }: HookOptions): FastifyInstance {
  // A request waits as long as a drain takes, and nothing is sent meanwhile.
  const app = Fastify({ ...serverOptions, connectionTimeout: 0, bodyLimit: 1_024 })
  app.server.maxConnections = maxConnections
  const closing = new AbortController()
  app.addHook('preClose', () => closing.abort())
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('cache-control', 'no-store')
    void reply.header('connection', 'close')
    const token = await readToken(tokenFile)
    if (token === undefined) return await reply.code(503).send({ error: 'the token file is empty or cannot be read' })
    const given = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1]
    // Digests have one length, so that neither time nor length says anything about the token.
    if (given === undefined || !timingSafeEqual(digest(given), digest(token)))
      return await reply
        .code(401)
        .header('www-authenticate', 'Bearer')
        .send({ error: given === undefined ? 'a bearer token is needed' : 'this is not the token' })
  })
  app.setNotFoundHandler(async (_request, reply) => await reply.code(404).send({ error: 'only /v1/prestop is here' }))
  app.setErrorHandler(
    async (error: { statusCode?: number; message: string }, _request, reply) =>
      await reply.code(error.statusCode ?? 500).send({ error: error.message }),
  )
  // GET because that is all a httpGet hook can do; a HEAD must not drain.
  app.route({
    method: ['GET', 'POST'],
    url: '/v1/prestop',
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      const gone = new AbortController()
      request.raw.socket.once('close', () => gone.abort())
      const signal = AbortSignal.any([gone.signal, closing.signal])
      let now = await begin()
      while (now.end === undefined && !signal.aborted) {
        await clock.sleep(lookEvery, signal)
        now = view() ?? now
      }
      if (now.end === undefined) return await reply.code(500).send({ error: 'the sidecar ends before its drain' })
      return await reply.code(now.end.ok ? 200 : 500).send(now.end.ok ? now : { error: now.end.reason, ...now })
    },
  })
  return app
}

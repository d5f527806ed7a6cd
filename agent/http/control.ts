// The control socket: what changes anything, on a unix socket in a volume that only this pod mounts.
import { createConnection } from 'node:net'
import { chmod, mkdir, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import type { Maintenance } from '../../probes/verdicts/verdict.ts'
import type { Finding } from '../cluster/findings.ts'
import { reasonOf, SidecarError } from '../errors.ts'
import { drainRoutes } from './control-drain.ts'
import type { DrainControls } from './control-drain.ts'
import { topRoute } from './control-top.ts'
import type { AskTop } from './control-top.ts'
import { serverOptions } from './server.ts'
import type { StatusReport } from './status-report.ts'

/** What commands can ask of a running sidecar. */
export interface Controls {
  status(): StatusReport
  /** Asks PostgreSQL at once instead of on the next interval. */
  look(): void
  /** Accepts what is refused; undefined when that is no longer `code`. */
  accept(code: string): Promise<Finding | undefined>
  maintenance(on: boolean, reason: string): Promise<Maintenance>
  readonly drain: DrainControls
  /** Statements of the last minutes. */
  readonly top: AskTop
}

const acceptBody = z.strictObject({ code: z.string().max(100) })
const maintenanceBody = z.strictObject({ on: z.boolean(), reason: z.string().max(500).default('') })

function read<T>(schema: z.ZodType<T>, body: unknown): T {
  const { data, error } = schema.safeParse(body)
  if (error === undefined) return data
  throw Object.assign(new TypeError(z.prettifyError(error)), { statusCode: 400 })
}

/** Builds the control server without listening. */
export function buildControl(controls: Controls): FastifyInstance {
  const app = Fastify({ ...serverOptions, bodyLimit: 16_384 })
  app.setErrorHandler(
    async (error: { statusCode?: number }, _request, reply) =>
      await reply.code(error.statusCode ?? 500).send({ error: reasonOf(error) }),
  )
  app.get('/v1/status', () => controls.status())
  app.post('/v1/look', async (_request, reply) => {
    controls.look()
    return await reply.send({})
  })
  app.post('/v1/accept', async (request, reply) => {
    const { code } = read(acceptBody, request.body)
    const accepted = await controls.accept(code)
    if (accepted === undefined) return await reply.code(409).send({ error: `nothing with code ${code} is refused now` })
    return { accepted }
  })
  app.post('/v1/maintenance', async (request) => {
    const { on, reason } = read(maintenanceBody, request.body)
    return { maintenance: await controls.maintenance(on, reason) }
  })
  drainRoutes(app, controls.drain)
  topRoute(app, controls.top)
  return app
}

async function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = createConnection(path)
  socket.setTimeout(1_000, () => resolve(true))
  socket.once('connect', () => resolve(true))
  socket.once('error', () => resolve(false))
  const taken = await promise
  socket.destroy()
  return taken
}

/** Listens on the socket, replacing one that a dead sidecar left. @throws SidecarError LISTENER_FAILED when another sidecar answers there or the directory cannot be used. */
export async function listenOnSocket(app: FastifyInstance, path: string): Promise<void> {
  if (await answers(path))
    throw new SidecarError(
      'LISTENER_FAILED',
      `another sidecar answers on ${path}; give each its own CITUS_SIDECAR_RUN_DIR`,
    )
  try {
    await mkdir(dirname(path), { recursive: true })
    await rm(path, { force: true })
    await app.listen({ path })
    // The postgres container may run as another user of the pod's group; nobody else mounts the volume.
    await chmod(path, 0o660)
  } catch (error) {
    throw new SidecarError('LISTENER_FAILED', `CITUS_SIDECAR_RUN_DIR: ${path} cannot be opened: ${reasonOf(error)}`, {
      cause: error,
    })
  }
}

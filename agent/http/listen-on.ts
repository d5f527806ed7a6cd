// Opens a port, or says which setting named one that cannot be opened.
import type { FastifyInstance } from 'fastify'
import { reasonOf, SidecarError } from '../errors.ts'

/** @throws SidecarError LISTENER_FAILED. */
export async function listenOn(
  app: FastifyInstance,
  { setting, host, port }: { readonly setting: string; readonly host: string; readonly port: number },
): Promise<void> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    const reason = `${setting}: ${host}:${port} cannot be opened: ${reasonOf(error)}`
    throw new SidecarError('LISTENER_FAILED', reason, { cause: error })
  }
}

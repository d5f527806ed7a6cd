// /primary, /replica, /coordinator and /worker for load balancers: 200 where a ready node has that role, 503 elsewhere.
import type { FastifyInstance } from 'fastify'
import type { Snapshot } from '../../exporters/exporter.ts'
import type { View } from './view.ts'

function inRecovery(snapshot: Snapshot): boolean | undefined {
  return snapshot.readings['postgres.alive']?.value?.inRecovery
}

const routes: Readonly<Record<string, (snapshot: Snapshot) => boolean>> = {
  '/primary': (snapshot) => inRecovery(snapshot) === false,
  '/replica': (snapshot) => inRecovery(snapshot) === true,
  '/coordinator': (snapshot) => snapshot.node.role === 'coordinator' && inRecovery(snapshot) === false,
  '/worker': (snapshot) => snapshot.node.role === 'worker' && inRecovery(snapshot) === false,
}

/** Adds the role routes. */
export function roleRoutes(app: FastifyInstance, view: View): void {
  for (const [path, holds] of Object.entries(routes)) {
    app.get(path, async (_request, reply) => {
      const snapshot = view.snapshot()
      const yes = snapshot.ready.ok && holds(snapshot)
      const mode =
        inRecovery(snapshot) === undefined ? 'unknown' : inRecovery(snapshot) === true ? 'standby' : 'primary'
      await reply
        .code(yes ? 200 : 503)
        .type('text/plain; charset=utf-8')
        .send(`${snapshot.node.role} ${mode} ${snapshot.ready.ok ? 'ready' : 'not ready'}\n`)
    })
  }
}

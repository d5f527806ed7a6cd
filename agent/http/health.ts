// /livez, /readyz and /startupz: 200 or 503, with one line a check on ?verbose or when something fails.
import type { FastifyInstance } from 'fastify'
import type { Snapshot } from '../../exporters/exporter.ts'
import { verdictText } from '../../probes/verdicts/verdict.ts'
import type { Verdict } from '../../probes/verdicts/verdict.ts'
import type { View } from './view.ts'

const routes: Readonly<Record<string, (snapshot: Snapshot) => Verdict>> = {
  '/livez': (snapshot) => snapshot.live,
  '/readyz': (snapshot) => snapshot.ready,
  '/startupz': (snapshot) => snapshot.started,
}

/** Adds the kubelet's three probes. */
export function healthRoutes(app: FastifyInstance, view: View): void {
  for (const [path, pick] of Object.entries(routes)) {
    app.get<{ Querystring: Record<string, unknown> }>(path, async (request, reply) => {
      const verdict = pick(view.snapshot())
      const verbose = 'verbose' in request.query || !verdict.ok
      const body = verbose ? `${verdictText(verdict)}\n${path.slice(1)} ${verdict.ok ? 'ok' : 'failed'}\n` : 'ok\n'
      await reply
        .code(verdict.ok ? 200 : 503)
        .type('text/plain; charset=utf-8')
        .send(body)
    })
  }
}

// /metrics for Prometheus: OpenMetrics or text as the scraper asks, compressed where it can be.
import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'
import type { FastifyInstance } from 'fastify'
import { contentTypes } from '../../exporters/prometheus/exposition.ts'
import type { Format } from '../../exporters/prometheus/exposition.ts'
import type { View } from './view.ts'

const compress = promisify(gzip)

/** A page that fits into one packet is sent as it is, bytes. */
const smallest = 1_400

/** Whether a list such as `gzip, deflate;q=0` has this word, and not as one that is refused. */
function accepts(list: string | undefined, word: string): boolean {
  return (list ?? '').split(',').some((entry) => {
    const [name = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase())
    return name === word && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter))
  })
}

/** Adds the scrape route. */
export function metricsRoute(app: FastifyInstance, view: View): void {
  app.get('/metrics', async ({ headers }, reply) => {
    const format: Format = accepts(headers.accept, 'application/openmetrics-text') ? 'openmetrics' : 'text'
    const text = await view.metrics(format)
    reply.type(contentTypes[format]).header('vary', 'accept, accept-encoding')
    if (text.length < smallest || !accepts(headers['accept-encoding'], 'gzip')) return await reply.send(text)
    // Compressed in a thread of its own; the fastest level makes a tenth of it all the same.
    const compressed = await compress(text, { level: constants.Z_BEST_SPEED })
    return await reply.header('content-encoding', 'gzip').send(compressed)
  })
}

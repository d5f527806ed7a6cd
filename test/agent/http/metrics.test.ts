// What a scraper asks for is what it gets: the format by Accept, compressed by Accept-Encoding.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import Fastify from 'fastify'
import { metricsRoute } from '../../../agent/http/metrics.ts'
import type { View } from '../../../agent/http/view.ts'

/** Scrapes a page of this size, and returns what came with it. */
async function scrape(headers: Readonly<Record<string, string>>, length = 10_000) {
  const app = Fastify()
  metricsRoute(app, { metrics: async (format: string) => await Promise.resolve(format.padEnd(length, '.')) } as View)
  const { headers: told, rawPayload } = await app.inject({ method: 'GET', url: '/metrics', headers })
  await app.close()
  const zipped = told['content-encoding'] === 'gzip'
  const text = (zipped ? gunzipSync(rawPayload) : rawPayload).toString()
  return {
    type: told['content-type'],
    zipped,
    format: text.replace(/\.+$/, ''),
    length: text.length,
    vary: told['vary'],
  }
}

const openmetrics = 'application/openmetrics-text; version=1.0.0; charset=utf-8'
const text = 'text/plain; version=0.0.4; charset=utf-8'

suite('a scrape', () => {
  const formats: readonly [accept: string | undefined, format: string, type: string][] = [
    [undefined, 'text', text],
    ['*/*', 'text', text],
    ['text/plain;version=0.0.4', 'text', text],
    // What Prometheus sends.
    [
      'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
      'openmetrics',
      openmetrics,
    ],
    ['application/openmetrics-text;q=0,text/plain', 'text', text],
  ]
  for (const [accept, format, type] of formats)
    test(`that accepts ${accept ?? 'anything'} is answered in ${format}`, async () => {
      const found = await scrape(accept === undefined ? {} : { accept })
      assert.deepEqual([found.format, found.type, found.vary], [format, type, 'accept, accept-encoding'])
    })

  const encodings: readonly [encoding: string | undefined, zipped: boolean][] = [
    [undefined, false],
    ['gzip', true],
    ['deflate, GZIP;q=0.5', true],
    ['gzip;q=0', false],
    ['gzip;q=0.000, identity', false],
    ['br', false],
  ]
  for (const [encoding, zipped] of encodings)
    test(`that takes ${encoding ?? 'no encoding'} is ${zipped ? '' : 'not '}compressed, and whole`, async () => {
      const found = await scrape(encoding === undefined ? {} : { 'accept-encoding': encoding })
      assert.deepEqual([found.zipped, found.length], [zipped, 10_000])
    })

  test('of a small page is not compressed', async () => {
    assert.equal((await scrape({ 'accept-encoding': 'gzip' }, 1_000)).zipped, false)
  })
})

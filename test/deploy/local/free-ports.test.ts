// Reserved ports: usable by a server, and nobody else's until released.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { reservePort } from '../../../deploy/local/free-ports.ts'

test('a server can listen on a reserved port', async () => {
  const reserved = await reservePort()
  const server = createServer().listen(reserved.port, '127.0.0.1')
  await once(server, 'listening')
  server.close()
  reserved.release()
})

test('many at once are all different', async () => {
  const reserved = await Promise.all(Array.from({ length: 200 }, () => reservePort()))
  assert.equal(new Set(reserved.map(({ port }) => port)).size, 200)
  for (const one of reserved) one.release()
})

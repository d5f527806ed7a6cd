// The proxy itself: what it lets through, what it swallows, and that both sides learn of an end once bytes flow again.
import assert from 'node:assert/strict'
import { createServer, type Server, type Socket, connect } from 'node:net'
import { after, afterEach, before, suite, test } from 'node:test'
import { eventually } from '../../deploy/local/eventually.ts'
import { HalfOpenProxy, nameOf } from './half-open-proxy.ts'

/** A startup packet as libpq and pg send it. */
function startupPacket(parameters: Readonly<Record<string, string>>): Buffer {
  const words = Object.entries(parameters).flat()
  const text = Buffer.from(`${words.join('\0')}\0\0`)
  const head = Buffer.alloc(8)
  head.writeInt32BE(8 + text.length, 0)
  head.writeInt32BE(196_608, 4)
  return Buffer.concat([head, text])
}

suite('the half-open proxy', () => {
  let echo: Server
  let proxy: HalfOpenProxy
  const atServer: Socket[] = []
  const atClient: Socket[] = []

  before(async () => {
    echo = createServer((socket) => {
      atServer.push(socket)
      socket.on('error', () => socket.destroy())
      socket.on('data', (bytes) => socket.write(bytes))
    })
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve))
    const address = echo.address()
    assert.ok(typeof address === 'object' && address !== null)
    proxy = await HalfOpenProxy.start({ host: '127.0.0.1', port: address.port })
  })
  afterEach(() => {
    proxy.flow()
    proxy.close()
    for (const socket of [...atServer.splice(0), ...atClient.splice(0)]) socket.destroy()
  })
  after(async () => {
    await proxy[Symbol.asyncDispose]()
    await new Promise((resolve) => echo.close(resolve))
  })

  /** Connects under a name and waits until the echo of the startup packet is back, unless `silent`. */
  async function dial(name: string, silent = false): Promise<{ socket: Socket; text: () => string }> {
    const packet = startupPacket({ user: 'someone', application_name: name })
    const socket = connect(proxy.port, '127.0.0.1')
    atClient.push(socket)
    let [received, open] = ['', true]
    socket.on('error', () => undefined)
    socket.on('close', () => (open = false))
    socket.on('data', (bytes) => (received += bytes.toString('latin1')))
    socket.write(packet)
    if (!silent) await eventually('the echo', () => received.length >= packet.length || !open)
    return { socket, text: () => received.slice(packet.length) }
  }

  test('reads the name out of a startup packet, whole or behind a request for encryption', () => {
    const packet = startupPacket({ user: 'u', database: 'application_name', application_name: 'citus-sidecar/verdict' })
    assert.equal(nameOf(packet), 'citus-sidecar/verdict')
    assert.equal(nameOf(packet.subarray(0, -1)), undefined)
    assert.equal(nameOf(Buffer.alloc(3)), undefined)
    const encryption = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])
    assert.equal(nameOf(encryption), undefined)
    assert.equal(nameOf(Buffer.concat([encryption, packet])), 'citus-sidecar/verdict')
    assert.equal(nameOf(startupPacket({ user: 'u' })), 'unnamed')
    const cancel = Buffer.from([0, 0, 0, 16, 0x04, 0xd2, 0x16, 0x2e, 0, 0, 0, 1, 0, 0, 0, 2])
    assert.equal(nameOf(cancel), 'cancel request')
  })

  test('lets everything through, counts by name, and tells both sides of an end', async () => {
    const { socket, text } = await dial('a')
    socket.write('hello')
    await eventually('the echo of hello', () => text() === 'hello')
    assert.equal(proxy.open('a'), 1)
    assert.equal(proxy.made.get('a'), 1)
    socket.end()
    await eventually('the server side is closed', () => atServer.every((one) => one.destroyed))
    await eventually('the proxy has forgotten it', () => proxy.open('a') === 0)
  })

  test('swallows the bytes of one name, of open connections and new ones, while all sockets stay open', async () => {
    const [one, other] = [await dial('a'), await dial('b')]
    proxy.swallow('a')
    const late = await dial('a', true)
    one.socket.write('lost')
    other.socket.write('kept')
    await eventually('the other name passes', () => other.text() === 'kept')
    assert.equal(one.text(), '')
    assert.equal(late.socket.destroyed, false)
    assert.ok(atServer.every((socket) => !socket.destroyed))
  })

  test('keeps an end quiet until bytes flow again', async () => {
    const { socket } = await dial('a')
    const [there] = atServer
    proxy.swallowOpen('a')
    socket.destroy()
    const other = await dial('a')
    other.socket.write('after')
    await eventually('new connections of the name pass', () => other.text() === 'after')
    assert.equal(there?.destroyed, false)
    proxy.flow()
    await eventually('the server learns of the end', () => there?.destroyed === true)
  })

  test('refuses new connections of a name, and closes open ones', async () => {
    const { socket } = await dial('a')
    proxy.refuse('a')
    const refused = await dial('a')
    await eventually('the new one is hung up on', () => refused.socket.destroyed)
    assert.equal(socket.destroyed, false)
    proxy.close('a')
    await eventually('the old one ends too', () => socket.destroyed)
  })

  test('delays answers', async () => {
    const { socket, text } = await dial('a')
    proxy.delay(100, 'a')
    const sentAt = performance.now()
    socket.write('slow')
    await eventually('the late echo', () => text() === 'slow')
    // Timers count whole milliseconds and may round down.
    assert.ok(performance.now() - sentAt >= 99)
  })
})

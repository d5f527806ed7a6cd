// Connections that nobody answers: seen while they are tried, by port, and not where somebody answers or the kernel does not say.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { eventually } from '../../../deploy/local/eventually.ts'
import { hangingConnects } from '../../../probes/host/hanging-connects.ts'
import { SilentPort } from '../../support/silent-port.ts'

suite('connections that nobody answers', () => {
  test('are seen until they end', async () => {
    const silent = await SilentPort.open()
    const ports = new Set([silent.port])
    try {
      await eventually('one is seen', async () => (await hangingConnects(ports)).length > 0)
      assert.deepEqual(await hangingConnects(ports), [`127.0.0.1:${silent.port}`])
      assert.deepEqual(await hangingConnects(new Set([silent.port + 1])), [])
    } finally {
      await silent[Symbol.asyncDispose]()
    }
    await eventually('none is left', async () => (await hangingConnects(ports)).length === 0)
  })

  test('are none where somebody listens', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    assert.ok(address !== null && typeof address === 'object')
    assert.deepEqual(await hangingConnects(new Set([address.port])), [])
    server.close()
  })

  test('are read of both families, and only once they were sent again', async () => {
    const net = await mkdtemp(join(tmpdir(), 'net-'))
    const line = (remote: string, state: string, sent: string): string =>
      `   0: 0100007F:9C40 ${remote} ${state} 00000001:00000000 01:00000065 ${sent}  1000        0 1 2 0000000000000000`
    const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt'
    await writeFile(
      join(net, 'tcp'),
      [head, line('0500F40A:1538', '02', '00000002'), line('0600F40A:1538', '02', '00000000')].join('\n'),
    )
    await writeFile(
      join(net, 'tcp6'),
      [
        head,
        line('000080FE00000000FFFF0000EFBEADDE:1538', '02', '00000001'),
        line('000080FE00000000FFFF0000EFBEADDE:1538', '01', '00000001'),
      ].join('\n'),
    )
    assert.deepEqual(await hangingConnects(new Set([5432]), net), [
      '10.244.0.5:5432',
      '[fe80:0:0:0:0:ffff:dead:beef]:5432',
    ])
    await rm(net, { recursive: true })
    assert.deepEqual(await hangingConnects(new Set([5432]), net), [])
  })
})

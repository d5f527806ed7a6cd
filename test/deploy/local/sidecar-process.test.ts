// The life of a sidecar process, with a small program in the sidecar's place.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, beforeEach, suite, test } from 'node:test'
import { runAgentCommand } from '../../../deploy/local/agent-command.ts'
import { reservePort } from '../../../deploy/local/free-ports.ts'
import { eventually } from '../../../deploy/local/eventually.ts'
import { readProcess } from '../../../deploy/local/process-table.ts'
import { SidecarProcess } from '../../../deploy/local/sidecar-process.ts'

const PROGRAM = `
  import { rmSync } from 'node:fs'
  import { createServer } from 'node:http'
  const { PORT, SOCKET, EXIT, PGHOST = 'none' } = process.env
  if (process.argv[2] !== 'run') {
    console.log(process.argv.slice(2).join(' '))
    process.exit(process.argv[2] === 'hang' ? (await new Promise(() => setInterval(() => {}, 1000))) : 3)
  }
  console.log(JSON.stringify({ msg: 'hello', PGHOST }))
  console.log('not json')
  if (EXIT) process.exit(Number(EXIT))
  rmSync(SOCKET, { force: true })
  const answer = (req, res) => { res.statusCode = req.url === '/livez' ? 200 : 404; res.end(req.method + ' ' + req.url) }
  const servers = [createServer(answer).listen(PORT, '127.0.0.1'), createServer(answer).listen(SOCKET)]
  process.on('SIGTERM', () => { for (const server of servers) server.close(); process.exitCode = 7 })
`

suite('a sidecar process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sidecar-test-'))
  const agent = join(folder, 'agent.mjs')
  writeFileSync(agent, PROGRAM)
  after(() => rmSync(folder, { recursive: true }))
  let sidecar: SidecarProcess
  let release: () => void

  beforeEach(async () => {
    const reserved = await reservePort()
    release = () => reserved.release()
    const controlSocket = join(folder, 'control.sock')
    const env = { PORT: String(reserved.port), SOCKET: controlSocket }
    sidecar = new SidecarProcess({ name: 'worker-1', folder, agent, httpPort: reserved.port, controlSocket, env })
  })
  afterEach(async () => {
    await sidecar.kill()
    rmSync(sidecar.logFile, { force: true })
    release()
  })

  test('starts, answers on its port and its control socket, stops with its own exit code', async () => {
    sidecar.start()
    await sidecar.answers('/livez')
    assert.equal((await sidecar.get('/livez?x=1')).status, 404)
    assert.deepEqual((await sidecar.control('POST', '/hold')).body, 'POST /hold')
    assert.equal(sidecar.exitCode, undefined)
    assert.equal(await sidecar.stop(), 7)
    assert.equal(sidecar.pid, undefined)
    await assert.rejects(sidecar.get('/livez'), { code: 'ECONNREFUSED' })
  })

  test('does not start twice', async () => {
    sidecar.start()
    assert.throws(() => sidecar.start(), new RegExp(`runs already, as process ${sidecar.pid}`))
  })

  test('keeps its log, and gets no setting but its own', async () => {
    process.env['PGHOST'] = 'of-the-developer'
    try {
      sidecar.start({ EXIT: '4' })
    } finally {
      delete process.env['PGHOST']
    }
    assert.equal(await sidecar.ended(), 4)
    assert.deepEqual(sidecar.log(), [{ msg: 'hello', PGHOST: 'none' }, { unparsed: 'not json' }])
  })

  test('that ends by itself is not waited for', async () => {
    sidecar.start({ EXIT: '4' })
    await assert.rejects(
      sidecar.answers('/livez'),
      /worker-1 ended with exit code 4\nthe end of .*\n.*hello.*\n {2}not json/,
    )
  })

  test('that is not ready in time shows its last answer and its log', async () => {
    sidecar.start()
    await sidecar.answers('/livez')
    await assert.rejects(
      sidecar.answers('/readyz', 50),
      /answers 200 to \/readyz; last value false\nGET \/readyz\nthe end of/,
    )
  })

  test('freezes, thaws, stops although frozen, is killed', async () => {
    sidecar.start()
    await sidecar.answers('/livez')
    sidecar.freeze()
    await eventually('it is stopped', () => readProcess(sidecar.pid ?? 0)?.state === 'T')
    sidecar.thaw()
    await sidecar.answers('/livez')
    sidecar.freeze()
    assert.equal(await sidecar.stop(), 7)
    assert.throws(() => sidecar.freeze(), /nothing to freeze/)
    await sidecar.restart()
    await sidecar.kill()
    assert.equal(sidecar.exitCode, null)
  })

  test('is taken over by another object that knows its folder', async () => {
    sidecar.start()
    await sidecar.answers('/livez')
    const other = new SidecarProcess(sidecar.spec)
    assert.equal(other.pid, sidecar.pid)
    await other.stop()
    assert.equal(await sidecar.ended(), 7)
  })

  test('a command returns its exit code and output, and does not hang for ever', async () => {
    const result = await runAgentCommand(agent, ['status', '--json'], {})
    assert.deepEqual(result, { code: 3, stdout: 'status --json\n', stderr: '' })
    const hanging = runAgentCommand(agent, ['hang'], {}, { deadline: 300 })
    await assert.rejects(hanging, /^LocalError: "citus-sidecar hang": killed after at most 0.3 s/)
  })
})

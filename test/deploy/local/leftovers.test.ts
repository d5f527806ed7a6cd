// A process that ends without ending its servers: nothing of them stays, however it ended.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { once } from 'node:events'
import { test } from 'node:test'
import { eventually } from '../../../deploy/local/eventually.ts'
import { findServerProcesses, listProcesses } from '../../../deploy/local/process-table.ts'

const SERVER = new URL('../../../deploy/local/lone-server.ts', import.meta.url).href

async function startAndEnd(ending: string): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  const program = `
    import { startPostgres } from ${JSON.stringify(SERVER)}
    const { postgres } = await startPostgres()
    console.log(JSON.stringify({ dataDir: postgres.dataDir, clusterName: postgres.clusterName }))
    ${ending}`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  const [code, signal]: (number | NodeJS.Signals | null)[] = await once(child, 'close')
  const mark: unknown = JSON.parse(text)
  assert.ok(typeof mark === 'object' && mark !== null && 'dataDir' in mark && 'clusterName' in mark)
  const [dataDir, clusterName] = [String(mark.dataDir), String(mark.clusterName)]
  await eventually(
    'its processes are gone',
    () => findServerProcesses({ dataDir, clusterName }, listProcesses()).length === 0,
  )
  assert.equal(existsSync(dataDir), false)
  return { code: typeof code === 'number' ? code : null, signal: typeof signal === 'string' ? signal : null }
}

test('an error that nobody caught', async () => {
  assert.deepEqual(await startAndEnd('setImmediate(() => { throw new Error("oops") })'), { code: 1, signal: null })
})

test('process.exit', async () => {
  assert.deepEqual(await startAndEnd('process.exit(3)'), { code: 3, signal: null })
})

test('running out of work', async () => {
  assert.deepEqual(await startAndEnd(''), { code: 0, signal: null })
})

test('SIGTERM, which it then still dies of', async () => {
  const ending = 'setInterval(() => undefined, 1000); process.kill(process.pid, "SIGTERM")'
  assert.deepEqual(await startAndEnd(ending), { code: null, signal: 'SIGTERM' })
})

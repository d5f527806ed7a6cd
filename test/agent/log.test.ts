// The log of a process: JSON lines with time, level and bindings, secrets hidden.
import assert from 'node:assert/strict'
import { before, suite, test } from 'node:test'
import { runProgram } from '../../deploy/local/run-program.ts'

const program = `
  import { createLogger } from ${JSON.stringify(new URL('../../agent/log.ts', import.meta.url).href)}
  const log = createLogger('info', { node: 'worker-1' })
  log.info({ event: 'x', count: 2 }, 'constant message')
  log.debug('too little to tell')
  log.warn({ password: 'hunter2', authorization: 'Bearer hunter2' }, 'at the top')
  log.warn({ target: { password: 'hunter2', authorization: 'hunter2', host: 'here' } }, 'inside')
`

suite('a log line', () => {
  let lines: Record<string, unknown>[]
  let text: string

  before(async () => {
    const { code, stdout, stderr } = await runProgram(
      process.execPath,
      ['--input-type=module-typescript', '--eval', program],
      { env: { PATH: process.env['PATH'] } },
    )
    assert.equal(code, 0, stderr)
    text = stdout
    lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  })

  test('is JSON with level, time, bindings, fields and a constant message', () => {
    const { time, ...rest } = lines[0] ?? {}
    assert.deepEqual(rest, { level: 'info', node: 'worker-1', event: 'x', count: 2, message: 'constant message' })
    assert.equal(new Date(String(time)).toISOString(), time)
  })

  test('below the level is not written', () => {
    assert.deepEqual(
      lines.map(({ message }) => message),
      ['constant message', 'at the top', 'inside'],
    )
  })

  test('shows no password and no authorization, and keeps what is beside them', () => {
    assert.doesNotMatch(text, /hunter2/)
    assert.equal(lines[1]?.['password'], '[hidden]')
    assert.deepEqual(lines[2]?.['target'], { password: '[hidden]', authorization: '[hidden]', host: 'here' })
  })
})

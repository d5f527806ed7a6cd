// The HTTP form of preStop: who may ask, what it answers, and that it waits for the drain's end.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import type { DrainView } from '../../../agent/drain/view.ts'
import { buildHook } from '../../../agent/http/hook.ts'
import { systemClock } from '../../../agent/loop/clock.ts'
import { eventually } from '../../../deploy/local/eventually.ts'

const running: DrainView = { id: 'd', phases: [], end: undefined }
const bearer = (token: string): Readonly<Record<string, string>> => ({ authorization: `Bearer ${token}` })

suite('the HTTP hook', () => {
  let folder: string
  let tokenFile: string
  let begun = 0
  let view: DrainView | undefined
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hook-'))
    tokenFile = join(folder, 'token')
    await writeFile(tokenFile, 'secret-1\n')
  })
  after(async () => await rm(folder, { recursive: true }))

  function hook(end?: DrainView['end']): ReturnType<typeof buildHook> {
    begun = 0
    view = undefined
    return buildHook({
      tokenFile,
      clock: systemClock,
      begin: async () => {
        begun += 1
        view ??= { ...running, end }
        return await Promise.resolve(view)
      },
      view: () => view,
    })
  }

  const wrong: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ['no token', {}],
    ['an empty token', { authorization: 'Bearer ' }],
    ['another token', bearer('secret-2')],
    ['a part of the token', bearer('secret')],
    ['the token and more', bearer('secret-1x')],
    ['the token as a password', { authorization: `Basic ${Buffer.from('x:secret-1').toString('base64')}` }],
    ['the token in the address', { authorization: '' }],
  ]
  for (const [what, headers] of wrong)
    test(`turns ${what} away and begins nothing`, async () => {
      await using app = hook()
      for (const url of ['/v1/prestop', '/', '/v1/prestop?token=secret-1']) {
        const answer = await app.inject({ method: 'POST', url, headers })
        assert.equal(answer.statusCode, 401)
        assert.equal(answer.headers['www-authenticate'], 'Bearer')
        assert.doesNotMatch(answer.body, /secret/)
      }
      assert.equal(begun, 0)
    })

  for (const method of ['GET', 'POST'] as const) {
    test(`answers ${method} with 200 and the phases when all was done`, async () => {
      await using app = hook({ ok: true, reason: '' })
      const answer = await app.inject({ method, url: '/v1/prestop', headers: bearer('secret-1') })
      assert.equal(answer.statusCode, 200)
      assert.deepEqual(answer.json(), { ...running, end: { ok: true, reason: '' } })
    })

    test(`answers ${method} with 500 and the reason when something was left undone`, async () => {
      await using app = hook({ ok: false, reason: 'flush: its time was up' })
      const answer = await app.inject({ method, url: '/v1/prestop', headers: bearer('secret-1') })
      assert.equal(answer.statusCode, 500)
      assert.equal(answer.json<{ error: string }>().error, 'flush: its time was up')
    })
  }

  test('waits for the end, and several wait for the same', async () => {
    await using app = hook()
    const ask = async () => await app.inject({ url: '/v1/prestop', headers: bearer('secret-1') })
    const answers = [ask(), ask()]
    await eventually('both asked', () => begun === 2)
    view = { ...running, end: { ok: true, reason: '' } }
    for (const answer of await Promise.all(answers)) assert.equal(answer.statusCode, 200)
  })

  test('does not drain for HEAD, nor at another address', async () => {
    await using app = hook({ ok: true, reason: '' })
    for (const [method, url] of [
      ['HEAD', '/v1/prestop'],
      ['PUT', '/v1/prestop'],
      ['GET', '/'],
      ['POST', '/v1/drain'],
    ] as const)
      assert.equal((await app.inject({ method, url, headers: bearer('secret-1') })).statusCode, 404, `${method} ${url}`)
    assert.equal(begun, 0)
  })

  test('answers a real request that still waits when the sidecar ends', async () => {
    const app = hook()
    const address = await app.listen({ host: '127.0.0.1', port: 0 })
    const answer = fetch(`${address}/v1/prestop`, { headers: bearer('secret-1') }).then(
      async (got) => [got.status, await got.text()] as const,
      () => 'cut' as const,
    )
    await eventually('it asked', () => begun === 1)
    await app.close()
    const got = await answer
    assert.ok(got === 'cut' || got[0] === 500, String(got))
  })

  test('reads a rotated token at the next request, and refuses all without one', async () => {
    await using app = hook({ ok: true, reason: '' })
    const status = async (token: string): Promise<number> =>
      (await app.inject({ url: '/v1/prestop', headers: bearer(token) })).statusCode
    await writeFile(tokenFile, 'secret-2')
    assert.deepEqual([await status('secret-1'), await status('secret-2')], [401, 200])
    await writeFile(tokenFile, '\n')
    assert.equal(await status(''), 503)
    await rm(tokenFile)
    assert.equal(await status('secret-2'), 503)
  })
})

// Which Citus: what the probe makes of the server's answers, and when extension and library agree.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { majorMinor, versions, versionsAgree } from '../../../probes/citus/versions.ts'
import type { Versions } from '../../../probes/citus/versions.ts'
import { probeLimits } from '../../support/probe-limits.ts'
import { probeContext, scriptedSql, serverError } from '../../support/scripted-sql.ts'
import type { Line } from '../../support/scripted-sql.ts'

const agreement: readonly [extension: string | undefined, library: string | undefined, agree: boolean][] = [
  ['13.2-1', '13.2.2', true],
  ['13.2-1', '13.2.0', true],
  ['13.2-3', '13.2.2', true],
  ['13.1-1', '13.2.2', false],
  ['13.2-1', '14.2.0', false],
  ['12.10-1', '12.1.0', false],
  ['13.2-1', undefined, true],
  [undefined, '13.2.2', true],
  [undefined, undefined, true],
  ['dev', 'dev', true],
  ['dev', '13.2.2', false],
]

suite('extension and library', () => {
  for (const [extension, library, agree] of agreement) {
    test(`${extension ?? 'none'} and ${library ?? 'unknown'} ${agree ? 'agree' : 'differ'}`, () => {
      const found: Versions = { extension, library, libraryError: undefined, available: undefined }
      assert.equal(versionsAgree(found), agree)
    })
  }

  test('only major and minor count', () => {
    assert.equal(majorMinor('13.2-1'), '13.2')
    assert.equal(majorMinor('13.10.4'), '13.10')
    assert.equal(majorMinor('devel'), 'devel')
  })
})

async function read(...script: readonly Line[]): Promise<Versions> {
  return await versions(probeLimits).read(probeContext(scriptedSql(...script)), AbortSignal.timeout(5_000))
}

const extension: Line = { when: /pg_extension/, rows: [{ extension: '13.2-1', available: '13.2-1' }] }

suite('the versions probe', () => {
  test('takes the number out of what the library says', async () => {
    const said = [{ version: 'Citus 13.2.2 on x86_64-pc-linux-gnu, compiled by gcc, 64-bit gitref: x(sha: y)' }]
    assert.deepEqual(await read(extension, { when: /citus_version/, rows: said }), {
      extension: '13.2-1',
      available: '13.2-1',
      library: '13.2.2',
      libraryError: undefined,
    })
  })

  test('without the extension asks the library nothing', async () => {
    const sql = scriptedSql({ when: /pg_extension/, rows: [{ extension: null, available: '13.2-1' }] })
    const found = await versions(probeLimits).read(probeContext(sql), AbortSignal.timeout(5_000))
    assert.deepEqual(found, { extension: undefined, available: '13.2-1', library: undefined, libraryError: undefined })
    assert.equal(sql.asked.length, 1)
  })

  test('keeps what a library that refuses every call says', async () => {
    const refusal = serverError('55000', 'loaded Citus library version differs from installed extension version')
    const found = await read(extension, { when: /citus_version/, fails: refusal })
    assert.equal(found.library, undefined)
    assert.match(found.libraryError ?? '', /library version differs/)
  })

  test('does not invent a number where the library says something else', async () => {
    const found = await read(extension, { when: /citus_version/, rows: [{ version: 'something else' }] })
    assert.equal(found.library, undefined)
  })
})

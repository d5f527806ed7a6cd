// The hook of a sidecar that is a second container: it keeps the sidecar from being told to end until that has taken up what the hook of
// PostgreSQL's container asks. Both hooks run for real, on a real handshake.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { runProgram } from '../../../deploy/local/run-program.ts'
import type { ProgramResult } from '../../../deploy/local/run-program.ts'
import { manifestText, moved } from '../../support/kubernetes/scripts.ts'
import { ScriptedSidecar, shells, Volume } from '../../support/prestop.ts'

/** The script as it stands in the component. */
const [, script = ''] =
  /- sh\n +- -c\n +- \|\n((?: {20}.*\n)+)/.exec(manifestText('components/sidecar-container/container.yaml')) ?? []

/** Runs the hook in a volume; `looks` is how often it looks at most. */
async function hook(shell: readonly string[], volume: Volume, looks = 50): Promise<ProgramResult> {
  const [program = 'sh', ...args] = shell
  const text = moved(script, { '/run/citus-sidecar': volume.path, 'seq 50': `seq ${looks}` })
  return await runProgram(program, [...args, '-c', text], { env: { PATH: process.env['PATH'] } })
}

for (const shell of shells)
  suite(`the hook of the sidecar in ${shell.join(' ')}`, () => {
    test('ends once the sidecar has taken up what PostgreSQL asks', async () => {
      await using volume = await Volume.make()
      await using sidecar = new ScriptedSidecar(volume)
      let over = false
      const waiting = hook(shell, volume, 200).finally(() => (over = true))
      const asking = volume.start(shell)
      await sidecar.asked()
      assert.equal((await waiting).code, 0)
      assert.ok(over && sidecar.begun === 1)
      sidecar.end(true)
      assert.equal(await asking.code, 0)
    })

    test('ends by itself where nobody asks, or nobody answers', async () => {
      await using volume = await Volume.make()
      assert.equal((await hook(shell, volume, 2)).stdout, '')
      await using sidecar = new ScriptedSidecar(volume)
      assert.equal((await hook(shell, volume, 2)).stdout, '')
      assert.equal(sidecar.begun, 0)
    })
  })

// The script of the container `bootstrap`, on a real server: it waits, prepares, stays, and ends when it is told to.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { OWN_AGENT, agentEnvironment } from '../../../deploy/local/agent-command.ts'
import { eventually } from '../../../deploy/local/eventually.ts'
import { endWithProcess } from '../../../deploy/local/leftovers.ts'
import type { LocalCluster } from '../../../deploy/local/local-cluster.ts'
import { startCluster } from '../../../deploy/local/start-cluster.ts'
import { scriptOf } from '../../support/kubernetes/scripts.ts'

suite('the container bootstrap', () => {
  let cluster: LocalCluster
  let folder: string
  const script = scriptOf('components/bootstrap/container.yaml', 'bootstrap')

  before(async () => {
    cluster = await startCluster({ workers: 0, prepare: 'nothing', env: { PGDATABASE: 'app' } })
    await cluster.coordinator.postgres.stop('fast')
    folder = await mkdtemp(join(tmpdir(), 'bootstrap-'))
    const program = `#!/bin/sh\nexec ${process.execPath} ${OWN_AGENT} "$@"\n`
    await writeFile(join(folder, 'citus-sidecar'), program, { mode: 0o755 })
  })
  after(async () => {
    await cluster.down()
    await rm(folder, { recursive: true })
  })

  /** Starts the script; `said` is what it has written so far. */
  const start = (
    env: Readonly<Record<string, string>>,
  ): { child: ChildProcess; said: () => string; kill: () => void } => {
    const child = spawn('sh', ['-c', script], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: agentEnvironment({ ...env, PATH: `${folder}:${process.env['PATH']}` }),
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (said += text))
    const end = (): void => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
    }
    const forget = endWithProcess(end)
    return {
      child,
      said: () => said,
      kill: () => {
        end()
        forget()
      },
    }
  }
  const ended = async (child: ChildProcess): Promise<unknown> => {
    const exit = once(child, 'exit', { signal: AbortSignal.timeout(10_000) })
    child.kill('SIGTERM')
    return (await exit)[0]
  }

  test('prepares a server that starts after it, stays, and ends on SIGTERM', async () => {
    const { child, said, kill } = start(cluster.coordinator.env)
    try {
      await eventually('it waits', () => said().includes('waits, because nothing listens'), {
        deadline: 30_000,
        context: said,
      })
      await cluster.coordinator.postgres.start()
      await eventually('it has prepared the server', () => /^schema citus_sidecar created/m.test(said()), {
        deadline: 30_000,
        context: said,
      })
      assert.equal(child.exitCode, null)
      assert.equal(await ended(child), 0)
    } finally {
      kill()
    }
  })

  test('goes on where it cannot work, and ends on SIGTERM', async () => {
    const { child, said, kill } = start({ ...cluster.coordinator.env, CITUS_SIDECAR_BOOTSTRAP_USER: 'nobody' })
    try {
      await eventually('it is refused', () => said().includes('CONNECT_FAILED'), { deadline: 30_000, context: said })
      assert.equal(child.exitCode, null)
      assert.equal(await ended(child), 0)
    } finally {
      kill()
    }
  })

  test('ends on SIGTERM while it waits', async () => {
    await cluster.coordinator.postgres.stop('fast')
    const { child, said, kill } = start(cluster.coordinator.env)
    try {
      await eventually('it waits', () => said().includes('waits, because'), { deadline: 30_000, context: said })
      assert.equal(await ended(child), 0)
    } finally {
      kill()
    }
  })
})

// The component `statements`: pods with it are as good as without, what logs and what reads the log agree, and on a real server the log never
// becomes larger than it may, with the container `log` and without it.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, readdir, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../../../deploy/local/eventually.ts'
import { endWithProcess } from '../../../deploy/local/leftovers.ts'
import { startPostgres } from '../../../deploy/local/lone-server.ts'
import type { LoneServer } from '../../../deploy/local/lone-server.ts'
import { makeFolder } from '../../../deploy/local/server-user.ts'
import { LogFollower } from '../../../exporters/statements/follow.ts'
import { page } from '../../support/documents.ts'
import { testCheck } from '../../support/kubernetes/check.ts'
import { buildText, withoutKubectl } from '../../support/kubernetes/kustomize.ts'
import { container, workloads } from '../../support/kubernetes/objects.ts'
import { overlay, secretsInReadme } from '../../support/kubernetes/overlays.ts'
import {
  superuserReaders,
  tooNewFor120,
  unguaranteed,
  unrestricted,
  wrongProbes,
} from '../../support/kubernetes/pods.ts'
import { logDisagreements, parseSettings, postgresDisagreements } from '../../support/kubernetes/postgres.ts'
import { danglingSources, danglingVolumes } from '../../support/kubernetes/references.ts'
import { againstSchema } from '../../support/kubernetes/schema.ts'
import { manifestText, moved, scriptOf } from '../../support/kubernetes/scripts.ts'
import { configOf, disagreements, refusedSettings } from '../../support/kubernetes/settings.ts'
import { mountSmallDisk } from '../../support/small-disk.ts'

const worker = 'StatefulSet/citus-worker'
const pod = 'spec.template.spec'
const sidecar = `${pod}.initContainers.citus-sidecar`
const files = 'ConfigMap/citus-postgres'

testCheck(
  'the log and who reads it agree',
  logDisagreements,
  [
    [files, 'data.overlay~conf', "log_destination = 'stderr'", /writes no jsonlog/],
    [files, 'data.overlay~conf', "log_directory = '/pgdata/log'", /logs elsewhere/],
    [files, 'data.overlay~conf', 'log_file_mode = 0600', /may not read/],
    [files, 'data.overlay~conf', "log_filename = 'postgresql-%H.log'", /names repeat/],
    [worker, `${sidecar}.volumeMounts.pglog.readOnly`, undefined, /could write into the log/],
    [worker, `${pod}.volumes.pglog.emptyDir.medium`, undefined, /volume with an end/],
    [worker, `${pod}.volumes.pglog.emptyDir.sizeLimit`, '128Mi', /no room/],
    [worker, `${pod}.containers.log.volumeMounts.pglog.name`, 'tmp', /\/pglog of log is tmp/],
  ],
  ['dev with statements', 'prod with statements'],
)

suite('pods with the component', { skip: withoutKubectl }, () => {
  for (const name of ['dev with statements', 'prod with statements'] as const)
    test(`are as they have to be: ${name}`, async () => {
      const objects = await overlay(name)
      const checks = [unrestricted, superuserReaders, wrongProbes, refusedSettings, disagreements]
      const more = [postgresDisagreements, danglingVolumes, name.startsWith('dev') ? tooNewFor120 : unguaranteed]
      assert.deepEqual(
        [...checks, ...more].flatMap((check) => check(objects)),
        [],
      )
      assert.deepEqual(danglingSources(objects, secretsInReadme()), [])
      assert.deepEqual(await againstSchema(objects), [])
    })
})

test(
  'the kustomization in README.md has traces on every sidecar, and is as it has to be',
  { skip: withoutKubectl },
  async () => {
    const [, text = ''] =
      /```yaml\n(resources: \[overlays\/prod\]\n[^]*?)```/.exec(page('deploy/kubernetes/README.md')) ?? []
    const objects = await buildText(text.replaceAll(/\[(overlays|components)\//g, '[kubernetes/$1/'))
    assert.deepEqual(
      [refusedSettings, disagreements, logDisagreements].flatMap((check) => check(objects)),
      [],
    )
    const sidecars = workloads(objects).map((workload) =>
      configOf(objects, workload, container(workload, 'citus-sidecar')),
    )
    assert.deepEqual(
      sidecars.map(({ role, logDir }) => [role, logDir]),
      [
        ['coordinator', '/pglog'],
        ['worker', '/pglog'],
        ['pooler', undefined],
      ],
    )
    for (const { otlpEndpoint } of sidecars) assert.equal(otlpEndpoint, 'http://otel-collector.observability.svc:4318')
  },
)

suite('a server with these settings', () => {
  const ends = new AsyncDisposableStack()
  let server: LoneServer
  let folder: string

  before(async () => {
    const { log_directory: _, ...settings } = parseSettings(manifestText('components/statements/statements.conf'))
    const quick = { log_min_duration_statement: '0', log_rotation_size: '64kB' }
    server = ends.use(await startPostgres({ settings: { ...settings, ...quick } as Record<string, string> }))
    folder = join(server.postgres.spec.folder, 'pglog')
  })
  after(async () => await ends.disposeAsync())

  const logInto = async (path: string): Promise<void> => {
    await server.postgres.query(`alter system set log_directory = '${path}'`)
    await server.postgres.query('select pg_reload_conf()')
    await eventually('it logs there', async () => (await readdir(path)).some((name) => name.endsWith('.json')))
  }
  const sizeOf = async (path: string): Promise<number> => {
    const sizes = (await readdir(path)).map(
      async (name) => (await stat(join(path, name)).catch(() => undefined))?.size ?? 0,
    )
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
  }
  /** A statement that takes a while and much of the log. */
  const write = async (marker: string): Promise<void> => {
    await server.postgres.query(`select '${marker}', length('${'x'.repeat(16_000)}'), pg_sleep(0.1)`)
  }

  test('is kept small by the container `log`, which shows it, and nothing of it is lost to who reads', async () => {
    await makeFolder(folder, 0o755, server.postgres.spec.user)
    const script = moved(scriptOf('components/statements/node.yaml', 'log'), {
      '/pglog': folder,
      'most=131072': 'most=512',
      'sleep 5': 'sleep 0.1',
    })
    const child = spawn('sh', ['-c', script], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
    ends.defer(
      endWithProcess(() => {
        if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
      }),
    )
    let shown = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text))
    await logInto(folder)

    const stop = new AbortController()
    const record = join(server.postgres.spec.folder, 'positions.json')
    const follower = new LogFollower({ folder, record, now: () => performance.now() })
    let read = ''
    let looked = false
    const reading = follower.run(
      ({ lines }) => void (read += lines.map((line) => (typeof line === 'string' ? line : '')).join('\n')),
      stop.signal,
      () => (looked = true),
    )
    await eventually('it is read', () => Promise.resolve(looked))
    const markers = Array.from({ length: 60 }, (_, index) => `marker ${index + 1} of 60`)
    let largest = 0
    for (const marker of markers) {
      await write(marker)
      largest = Math.max(largest, await sizeOf(folder))
    }
    const seenIn = (text: string): readonly string[] => markers.filter((marker) => text.includes(`'${marker}'`))
    await eventually('all is read and shown', () => {
      assert.deepEqual(seenIn(read), markers)
      assert.deepEqual(seenIn(shown), markers)
      return Promise.resolve(true)
    })
    assert.ok(largest > 400_000 && largest < 1_000_000, `${largest} bytes of ${2 * shown.length}`)
    assert.ok(shown.length > 960_000)
    for (const name of await readdir(folder)) assert.equal((await stat(join(folder, name))).mode & 0o777, 0o640, name)
    stop.abort()
    await reading
    child.kill()
    const [code] = (await once(child, 'exit', { signal: AbortSignal.timeout(10_000) })) as [number]
    assert.equal(code, 0)
  })

  test('works on where nobody keeps the log small and its volume is full, and logs again once there is room', async (t) => {
    const { user, folder: home } = server.postgres.spec
    const disk = await mountSmallDisk(join(home, 'full'), user)
    if (typeof disk === 'string') return t.skip(disk)
    ends.use(disk)
    await logInto(disk.path)
    for (let written = 0; written < 100; written += 1)
      await server.postgres.query(`select ${written}, length('${'x'.repeat(16_000)}')`)
    assert.ok((await sizeOf(disk.path)) <= 1_048_576)
    const [oldest = ''] = (await readdir(disk.path)).toSorted()
    await truncate(join(disk.path, oldest))
    await eventually('it logs again', async () => {
      await server.postgres.query(`select 'there is room'`)
      const texts = (await readdir(disk.path)).map(async (name) => await readFile(join(disk.path, name), 'utf8'))
      return (await Promise.all(texts)).some((text) => text.includes(`select 'there is room'`))
    })
    await logInto(folder)
  })
})

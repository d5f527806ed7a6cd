// The image as users build it: it starts without a writable file system and without rights, and has nothing that `run` does not need.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, suite, test } from 'node:test'
import * as z from 'zod'
import { eventually } from '../../deploy/local/eventually.ts'
import { root } from '../support/documents.ts'
import { makeBases, withoutPodman } from './base.ts'
import { buildSidecar } from './images.ts'
import { podman } from './podman.ts'

const image = 'localhost/citus-sidecar-test/citus-sidecar:image-test'
const lock = z.object({
  packages: z.record(z.string(), z.object({ dev: z.boolean().optional() })),
})
const inspected = z.tuple([z.object({ Size: z.number(), Config: z.object({ User: z.string() }) })])
/** A container that was not removed is not left behind. */
const label = `citus-sidecar-test=${process.pid}`

suite('the image', { skip: await withoutPodman() }, () => {
  before(async () => {
    await makeBases()
    await buildSidecar(image)
  })
  after(async () => {
    const left = await podman(['ps', '-aq', '--filter', `label=${label}`])
    if (left !== '') await podman(['rm', '-f', '-v', ...left.split('\n')])
    await podman(['rmi', '-f', image])
  })

  const inside = async (...command: string[]): Promise<string> =>
    await podman([
      'run',
      '--rm',
      '--network=none',
      '--label',
      label,
      '--entrypoint',
      command[0] ?? '',
      image,
      ...command.slice(1),
    ])

  test('is for a user without rights, and says how large it is', async (context) => {
    const [{ Size: size, Config: config }] = inspected.parse(JSON.parse(await podman(['inspect', image])))
    assert.match(config.User, /^[1-9]\d*:[1-9]\d*$/)
    const program = await inside('du', '-sm', '/app')
    context.diagnostic(
      `${Math.round(size / 1_000_000)} MB, of which program and packages: ${program.split('\t')[0] ?? ''} MB`,
    )
  })

  test('starts read-only as that user, and says how long that took', async (context) => {
    const began = performance.now()
    const id = await podman([
      'run',
      '-d',
      `--label=${label}`,
      '--read-only',
      '--network=none',
      '--cap-drop=all',
      '--security-opt=no-new-privileges',
      // Its own, as an emptyDir is with the pod's group.
      '--volume=/run/citus-sidecar',
      '--env=CITUS_SIDECAR_ROLE=standalone',
      '--env=CITUS_SIDECAR_ADDRESS=node:5432',
      image,
    ])
    const ask = `fetch('http://127.0.0.1:9187/livez').then(async (answer) => console.log(answer.status), () => process.exit(1))`
    const said = await eventually('it lives', async () => await podman(['exec', id, 'node', '-e', ask]), {
      deadline: 60_000,
    })
    assert.equal(said, '200')
    context.diagnostic(
      `${Math.round(performance.now() - began)} ms from podman run to an answer of /livez, asked by another container process`,
    )
    await podman(['stop', '-t', '10', id])
    assert.equal(await podman(['inspect', '-f', '{{.State.ExitCode}}', id]), '0')
  })

  test('has the compiled program, the packages of production and no other', async () => {
    assert.deepEqual((await inside('ls', '/app')).split('\n').toSorted(), [
      'LICENSE',
      'compiled',
      'dist',
      'node_modules',
      'package.json',
    ])
    assert.equal(
      await inside(
        'sh',
        '-c',
        `find /app/dist -name '*.ts' ! -name '*.d.ts'; find / -xdev -name npm -o -xdev -name corepack 2>/dev/null || true`,
      ),
      '',
    )
    const { packages } = lock.parse(JSON.parse(await readFile(`${root}/package-lock.json`, 'utf8')))
    const wanted = Object.entries(packages)
      .filter(([path, { dev }]) => path !== '' && dev !== true)
      .map(([path]) => path)
    const found = (
      await inside('sh', '-c', 'cd /app && find node_modules -name package.json -path "*node_modules/*" -prune')
    )
      .split('\n')
      .filter((path) => /^(?:node_modules\/(?:@[^/]+\/)?[^/]+\/)+package\.json$/.test(path))
      .map((path) => path.replace(/\/package\.json$/, ''))
    assert.deepEqual(found.toSorted(), wanted.toSorted())
  })

  test('has the command on its PATH', async () => {
    assert.match(await inside('citus-sidecar', '--help'), /^usage: citus-sidecar/im)
  })
})

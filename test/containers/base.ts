// The bases of the images under test: Debian, and Debian with Node; made here where no registry of images can be reached.
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runProgram } from '../../deploy/local/run-program.ts'
import { build, hasImage, podman } from './podman.ts'

export const debianImage = 'localhost/citus-sidecar-test/debian:12'
export const nodeImage = 'localhost/citus-sidecar-test/node:24'
/** Certificates that this machine trusts, so that builds reach what it reaches. */
const certificates = '/etc/ssl/certs/ca-certificates.crt'
/** Packages are fetched; milliseconds. */
const longest = 900_000
const unneeded = ['./proc/*', './sys/*', './dev/*', './var/cache/apt/archives/*', './var/lib/apt/lists/*']

async function run(program: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(program, args, { env: process.env, deadline: longest })
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${stderr.slice(-2_000)}`)
  return stdout.trim()
}

/** Why tests of containers are skipped; false where they run. */
export async function withoutPodman(): Promise<string | false> {
  try {
    await podman(['info'])
    return false
  } catch (error) {
    return `podman does not work here: ${error instanceof Error ? (error.message.split('\n').at(-1) ?? '') : String(error)}`
  }
}

/** Makes what is not there yet, which takes minutes; both are kept for the next time. */
export async function makeBases(): Promise<void> {
  if (!(await hasImage(debianImage))) await inFolder(makeDebian)
  if (!(await hasImage(nodeImage))) await inFolder(makeNode)
}

async function inFolder(make: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'citus-sidecar-base-'))
  try {
    await make(folder)
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function makeDebian(folder: string): Promise<void> {
  const root = join(folder, 'root')
  try {
    await run('debootstrap', ['--variant=minbase', '--include=ca-certificates,libatomic1', 'bookworm', root])
    if (existsSync(certificates)) await cp(certificates, join(root, certificates))
    // With updates: an extension may need the newest minor version of its server.
    const sources = '/etc/apt/sources.list.d/debian.sources'
    if (existsSync(sources)) {
      await cp(sources, join(root, sources))
      await rm(join(root, 'etc/apt/sources.list'), { force: true })
    }
  } finally {
    // debootstrap mounts these; what is still mounted must not be emptied.
    for (const one of ['proc', 'sys']) await runProgram('umount', ['-R', '-l', join(root, one)], { env: process.env })
  }
  const archive = join(folder, 'base.tar')
  await run('tar', ['-C', root, ...unneeded.map((one) => `--exclude=${one}`), '-cf', archive, '.'])
  await podman(['import', '-q', '-c', 'ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', archive, debianImage])
}

/** With the Node that runs this, and the npm of this machine with what it says of its registry. */
async function makeNode(folder: string): Promise<void> {
  const local = join(folder, 'local')
  const npm = 'lib/node_modules/npm'
  await mkdir(join(local, 'bin'), { recursive: true })
  await mkdir(join(local, 'etc'))
  await cp(process.execPath, join(local, 'bin/node'))
  await cp(join(await run('npm', ['root', '--global']), 'npm'), join(local, npm), {
    recursive: true,
    dereference: true,
  })
  await writeFile(join(local, 'bin/npm'), `#!/bin/sh\nexec node /usr/local/${npm}/bin/npm-cli.js "$@"\n`, {
    mode: 0o755,
  })
  const settings = ['/usr/etc/npmrc', '/etc/npmrc'].find((file) => existsSync(file))
  if (settings !== undefined) await cp(settings, join(local, 'etc/npmrc'))
  const file = join(folder, 'Containerfile')
  await writeFile(file, `FROM ${debianImage}\nENV NODE_EXTRA_CA_CERTS=${certificates}\nCOPY local/ /usr/local/\n`)
  await build(nodeImage, file, folder, {})
}

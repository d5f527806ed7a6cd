// The images of the cluster under test, in place of those that the manifests name.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runProgram } from '../../deploy/local/run-program.ts'
import { makeBases } from '../containers/base.ts'
import { buildPgbouncer, buildPostgres, buildSidecar } from '../containers/images.ts'
import { podman } from '../containers/podman.ts'

const ours = 'localhost/citus-sidecar-test'

/** What a kustomization replaces by what. */
export const images = [
  { replaces: 'citus-sidecar', name: `${ours}/citus-sidecar`, tag: 'kube' },
  { replaces: 'docker.io/citusdata/citus', name: `${ours}/postgres`, tag: 'kube' },
  { replaces: 'docker.io/edoburu/pgbouncer', name: `${ours}/pgbouncer`, tag: 'kube' },
] as const

/** The sidecar's image under a second name, to which a pod can be changed. */
export const otherSidecar = `${ours}/citus-sidecar:kube-2`

/** Builds all images; `citusFiles` is an installed tree of Citus, the stand-in where undefined. */
export async function buildImages(citusFiles: string | undefined): Promise<void> {
  const [sidecar, postgres, pgbouncer] = images.map(({ name, tag }) => `${name}:${tag}`)
  await makeBases()
  await buildSidecar(sidecar ?? '')
  await buildPostgres(postgres ?? '', citusFiles)
  await buildPgbouncer(pgbouncer ?? '')
  await podman(['tag', sidecar ?? '', otherSidecar])
}

/** Takes the images into the cluster by a command that is given the path of an archive as its last argument. */
export async function loadImages(command: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'citus-sidecar-images-'))
  try {
    for (const image of [...images.map(({ name, tag }) => `${name}:${tag}`), otherSidecar]) {
      const archive = join(folder, 'image.tar')
      await podman(['save', '-q', '--format', 'docker-archive', '-o', archive, image])
      const [program = '', ...args] = command.split(' ')
      const { code, stderr } = await runProgram(program, [...args, archive], { env: process.env, deadline: 600_000 })
      if (code !== 0) throw new Error(`${command} ${archive} ended with ${code}: ${stderr.trim()}`)
      await rm(archive)
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

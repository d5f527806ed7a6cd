// The images under test: the sidecar's from the Dockerfile that users build, PostgreSQL and PgBouncer as the manifests expect them.
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { debianImage, nodeImage } from './base.ts'
import { build } from './podman.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const here = fileURLToPath(new URL('.', import.meta.url))

/** Builds the sidecar's image from the Dockerfile. */
export async function buildSidecar(image: string): Promise<void> {
  await build(image, join(root, 'Dockerfile'), root, { NODE_IMAGE: nodeImage, DEBIAN_IMAGE: debianImage })
}

/** Builds PostgreSQL with Citus: the installed tree that `citusFiles` names, or the stand-in. */
export async function buildPostgres(image: string, citusFiles: string | undefined): Promise<void> {
  const context = await mkdtemp(join(tmpdir(), 'citus-sidecar-postgres-'))
  try {
    await cp(join(here, 'postgres'), context, { recursive: true })
    const files = join(context, 'files')
    await mkdir(files)
    if (citusFiles !== undefined) await cp(citusFiles, files, { recursive: true })
    else {
      const extension = join(files, 'usr/share/postgresql/15/extension')
      await cp(join(root, 'deploy/local/stand-in/extension'), extension, { recursive: true })
    }
    await build(image, join(context, 'Containerfile'), context, { BASE: debianImage })
  } finally {
    await rm(context, { recursive: true, force: true })
  }
}

/** Builds PgBouncer. */
export async function buildPgbouncer(image: string): Promise<void> {
  await build(image, join(here, 'pgbouncer/Containerfile'), join(here, 'pgbouncer'), { BASE: debianImage })
}

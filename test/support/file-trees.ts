// Folders of real files for tests of what is read from files: made from a table, gone with the scope.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export interface FileTree extends AsyncDisposable {
  readonly root: string
  /** Writes more files, or others over those. */
  add(files: Readonly<Record<string, string | Buffer>>): Promise<void>
}

/** A temporary folder with these files, path -> content. */
export async function fileTree(files: Readonly<Record<string, string | Buffer>> = {}): Promise<FileTree> {
  const root = await mkdtemp(join(tmpdir(), 'tree-'))
  const add: FileTree['add'] = async (more) => {
    for (const [path, content] of Object.entries(more)) {
      await mkdir(dirname(join(root, path)), { recursive: true })
      await writeFile(join(root, path), content)
    }
  }
  await add(files)
  return { root, add, [Symbol.asyncDispose]: async () => await rm(root, { recursive: true, force: true }) }
}

// How this sidecar writes every small file of the run directory: whoever reads meanwhile sees the old one or the new one, never half.
import { open, rename, rm } from 'node:fs/promises'

/** Replaces a file in one step; `mode` holds whatever the umask is. @throws the file system's error. */
export async function replaceFile(path: string, text: string, mode = 0o644): Promise<void> {
  const temporary = `${path}.new`
  // A sidecar under another user may have left one that we could not open.
  await rm(temporary, { force: true })
  try {
    {
      await using file = await open(temporary, 'wx', mode)
      await file.writeFile(text)
      // The other container's user reads it, whatever our umask is.
      await file.chmod(mode)
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw error
  }
}

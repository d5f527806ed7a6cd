// What a setting can be: each type says what it allows and turns a variable's text into a value, through zod.
import { accessSync, constants, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import * as z from 'zod'

/** A type of setting; `allowed` completes the sentence "allowed: …". */
export interface SettingType<T> {
  readonly allowed: string
  readonly schema: z.ZodType<T, string>
  /** How a refused value is shown; quoted where undefined. */
  readonly shown?: (value: string) => string
}

/** host and port of a server. */
export interface HostPort {
  readonly host: string
  /** undefined: the default port (PGPORT). */
  readonly port: number | undefined
}

const durationUnits: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const sizeUnits: Record<string, number> = { '': 1, B: 1, kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 }

function formatBy(units: Record<string, number>, value: number, zero: string): string {
  const unit = Object.entries(units).findLast(([, factor]) => value >= factor && value % factor === 0)
  return unit === undefined ? `0${zero}` : `${value / unit[1]}${unit[0]}`
}

/** Milliseconds as a person writes them, such as `5s`. */
export function formatDuration(ms: number): string {
  return formatBy(durationUnits, Math.round(ms), 's')
}

/** Bytes as a person writes them, such as `64MB`. */
export function formatSize(bytes: number): string {
  return formatBy(sizeUnits, bytes, 'B')
}

function bounded(
  units: Record<string, number>,
  pattern: RegExp,
  min: number,
  max: number,
  allowed: string,
): SettingType<number> {
  const schema = z
    .string()
    .regex(pattern)
    .transform((value) => {
      const match = pattern.exec(value)
      return Number(match?.[1]) * (units[match?.[2] ?? ''] ?? Number.NaN)
    })
    .refine((value) => value >= min && value <= max)
  return { allowed, schema }
}

/** A duration between `min` and `max` milliseconds; value in milliseconds. */
export function duration(min: number, max: number): SettingType<number> {
  const allowed = `a duration from ${formatDuration(min)} to ${formatDuration(max)}, with unit ms, s, m, h or d`
  return bounded(durationUnits, /^(\d{1,12})(ms|s|m|h|d)$/, min, max, allowed)
}

/** An amount of data between `min` and `max` bytes; value in bytes. */
export function size(min: number, max: number): SettingType<number> {
  return bounded(
    sizeUnits,
    /^(\d{1,15})(B|kB|MB|GB|TB)?$/,
    min,
    max,
    'a size such as 64MB, with unit B, kB, MB, GB or TB',
  )
}

/** A whole number within bounds. */
export function integer(min: number, max: number): SettingType<number> {
  return {
    allowed: `a whole number from ${min} to ${max}`,
    schema: z
      .string()
      .regex(/^\d{1,10}$/)
      .transform(Number)
      .refine((value) => value >= min && value <= max),
  }
}

/** A TCP port. */
export function port(): SettingType<number> {
  return integer(1, 65_535)
}

/** true or false, as people write them. */
export function bool(): SettingType<boolean> {
  return {
    allowed: 'true or false',
    schema: z
      .enum(['true', 'false', 'on', 'off', 'yes', 'no', '1', '0'])
      .transform((value) => ['true', 'on', 'yes', '1'].includes(value)),
  }
}

/** One of a closed list of words. */
export function oneOf<const T extends readonly [string, ...string[]]>(...words: T): SettingType<T[number]> {
  return { allowed: words.join(', '), schema: z.enum(words) }
}

/** Text of a given form. */
export function text(pattern: RegExp, allowed: string): SettingType<string> {
  return { allowed, schema: z.string().regex(pattern) }
}

/** One or more names, separated by commas. */
export function names(): SettingType<readonly string[]> {
  return {
    allowed: 'names separated by commas',
    schema: z
      .string()
      .transform((value) => value.split(',').map((one) => one.trim()))
      .refine((all) => all.every((one) => one !== '' && !one.includes('\0') && Buffer.byteLength(one) <= 63)),
  }
}

/** Up to `most` absolute paths, separated by commas; what is there is not looked at. */
export function paths(most: number): SettingType<readonly string[]> {
  return {
    allowed: `absolute paths separated by commas, at most ${most}`,
    schema: z
      .string()
      .transform((value) => value.split(',').map((one) => one.trim()))
      .refine((all) => all.length <= most && all.every((one) => /^\/[^\0]+$/.test(one))),
  }
}

/** Names, each with the share of its cases that is meant; 1 where none is given. */
export function shares(): SettingType<ReadonlyMap<string, number>> {
  const one = /^([a-z][a-z.-]*)(?:=(0\.\d{1,9}|1(?:\.0{1,9})?))?$/
  return {
    allowed: 'names separated by commas, each alone or as name=share with a share from 0.0 to 1',
    schema: z
      .string()
      .transform((value) => value.split(',').map((part) => one.exec(part.trim())))
      .refine((all) => all.every((part) => part !== null))
      .transform((all) => new Map(all.map((part) => [part?.[1] ?? '', Number(part?.[2] ?? 1)]))),
  }
}

/** An IP address. */
export function ipAddress(): SettingType<string> {
  return { allowed: 'an IP address', schema: z.string().refine((value) => isIP(value) !== 0) }
}

/** A file that can be read and is not empty. */
export function file(): SettingType<string> {
  return {
    allowed: 'the absolute path of a readable file that is not empty',
    // Somebody may have put the secret itself where its file belongs.
    shown: (value) => (value.startsWith('/') ? JSON.stringify(value) : 'its value, not shown here,'),
    schema: z.string().superRefine((path, context) => {
      const problem = fileProblem(path)
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
    }),
  }
}

function fileProblem(path: string): string | undefined {
  if (!path.startsWith('/')) return 'is not an absolute path'
  try {
    accessSync(path, constants.R_OK)
    return readFileSync(path, 'utf8').trim() === '' ? 'the file is empty' : undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const hostPattern = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?))(?::(\d{1,5}))?$/

function toHostPort(value: string): HostPort | undefined {
  const match = hostPattern.exec(value)
  const host = match?.[1] ?? match?.[2]
  if (host === undefined) return undefined
  const number = match?.[3] === undefined ? undefined : Number(match[3])
  return number !== undefined && (number < 1 || number > 65_535) ? undefined : { host, port: number }
}

/** host or host:port; IPv6 in brackets. */
export function hostPort(): SettingType<HostPort> {
  return {
    allowed: 'host or host:port (an IPv6 address in brackets)',
    schema: z.string().transform((value, context) => {
      const parsed = toHostPort(value)
      if (parsed !== undefined) return parsed
      context.addIssue({ code: 'custom', message: 'no host[:port]' })
      return z.NEVER
    }),
  }
}

/** Up to eight of host or host:port, separated by commas. */
export function hostPorts(): SettingType<readonly HostPort[]> {
  return {
    allowed: 'host[:port], or up to 8 of them separated by commas',
    schema: z.string().transform((value, context) => {
      const parsed = value.split(',').map((part) => toHostPort(part.trim()))
      const good = parsed.filter((one) => one !== undefined)
      if (good.length === parsed.length && good.length <= 8) return good
      context.addIssue({ code: 'custom', message: 'no list of host[:port]' })
      return z.NEVER
    }),
  }
}

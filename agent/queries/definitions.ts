// The values of one YAML file -> the queries that it defines; one in which anything is wrong is left out.
import * as z from 'zod'
import type { OwnQuery, QueryColumn } from '../../probes/own-query.ts'
import { parseVersionRange } from '../../probes/version-range.ts'
import type { VersionRange } from '../../probes/version-range.ts'
import { bool, duration, integer, oneOf, text } from '../setting-types.ts'
import type { SettingType } from '../setting-types.ts'
import type { Entry, Place, Tree, Wrong } from './yaml-tree.ts'

/** A query and where its file has it. */
export interface Defined extends Place {
  readonly query: OwnQuery
}

type Complain = (place: Place, reason: string) => void

const defaultInterval = 60_000
const mostColumns = 100

const role = oneOf('coordinator', 'worker', 'standalone')
const name = text(/^(?!__)[a-zA-Z_][a-zA-Z0-9_]{0,99}$/, 'letters, digits and _, no digit first and no __, at most 100')
const columnName = text(/^[a-zA-Z0-9_]{1,63}$/, 'letters, digits and _, at most 63; name the column so with `as`')
const description = text(/^[^\0]{1,1000}$/, 'text of at most 1000 characters')

/** Every part of what comes before begins in its own way, so that no text is tried twice. */
const beginsWithSelect = /^(?:\s|\(|--[^\n]*\n|\/\*(?:[^*]|\*(?!\/))*\*\/)*(?:select|with|values|table)\b/i

const versions: SettingType<VersionRange> = {
  allowed: 'a range such as ">=14.0.0 <17.0.0", with >=, >, <=, <, =, != and ||',
  schema: z.string().transform((value, context) => {
    const range = parseVersionRange(value)
    if (range !== undefined) return range
    context.addIssue({ code: 'custom', message: 'no range' })
    return z.NEVER
  }),
}

const queryKeys = {
  query: text(beginsWithSelect, 'one statement that begins with select, with, values or table'),
  master: bool(),
  runonserver: versions,
  cache_seconds: integer(1, 86_400),
  interval: duration(1_000, 86_400_000),
  timeout: duration(100, 60_000),
  database: text(/^[^\0]{1,63}$/, 'a database name of at most 63 bytes'),
  role: undefined,
  metrics: undefined,
} as const

/** What a column can be used as, and for what postgres_exporter has besides what to do instead. */
const usages: Readonly<Record<string, QueryColumn['usage'] | 'discard' | { readonly instead: string }>> = {
  LABEL: 'label',
  GAUGE: 'gauge',
  COUNTER: 'counter',
  DISCARD: 'discard',
  MAPPEDMETRIC: { instead: 'make a number of it with `case` in the query, and use GAUGE' },
  HISTOGRAM: { instead: 'make numbers of it in the query, one column each, and use COUNTER' },
  DURATION: { instead: 'make seconds of it with `extract(epoch from …)` in the query, and use GAUGE' },
}

/** Every query of a file, and everything that is wrong in it. */
export function readDefinitions(tree: Tree): { readonly found: readonly Defined[]; readonly wrong: readonly Wrong[] } {
  const wrong: Wrong[] = []
  const complain: Complain = (place, reason) => void wrong.push({ ...place, reason })
  const names = new Map<string, Place>()
  const found = entriesOf(tree, 'the file', 'queries by the first part of their metrics’ names', complain).flatMap(
    ({ key, place, value }): Defined[] => {
      const before = wrong.length
      const twice = names.get(key)
      names.set(key, twice ?? place)
      if (twice !== undefined) complain(place, `${key}: is there already, in line ${twice.line}; allowed: once`)
      read(name, { kind: 'text', place, text: key }, 'the name of a query', complain)
      const query = readQuery(key, place, value, complain)
      return query === undefined || wrong.length > before ? [] : [{ ...place, query }]
    },
  )
  return { found, wrong }
}

function readQuery(prefix: string, place: Place, tree: Tree, complain: Complain): OwnQuery | undefined {
  const entries = unique(entriesOf(tree, prefix, 'a map of its keys', complain), prefix, complain)
  for (const { key, place: at } of entries.values())
    if (!Object.hasOwn(queryKeys, key))
      complain(
        at,
        `${prefix}: ${JSON.stringify(key)} is no key of a query; allowed: ${Object.keys(queryKeys).join(', ')}`,
      )
  const get = <T>(key: keyof typeof queryKeys, type: SettingType<T>): T | undefined => {
    const entry = entries.get(key)
    return entry && read(type, entry.value, `${prefix}.${key}`, complain)
  }
  for (const key of ['query', 'metrics'] as const)
    if (tree.kind === 'map' && !entries.has(key)) complain(place, `${prefix}: has no ${key}, and every query needs it`)
  const statement = get('query', queryKeys.query)
  const seconds = get('cache_seconds', queryKeys.cache_seconds)
  const cached = seconds === undefined ? defaultInterval : seconds * 1_000
  const metrics = entries.get('metrics')
  const columns = metrics && readColumns(prefix, metrics, complain)
  const roles = entries.get('role')
  if (roles?.value.kind === 'list' && roles.value.items.length === 0)
    complain(roles.value.place, `${prefix}.role: is an empty list; allowed: ${role.allowed}`)
  const query = {
    prefix,
    interval: get('interval', queryKeys.interval) ?? cached,
    timeout: get('timeout', queryKeys.timeout),
    primaryOnly: get('master', queryKeys.master) ?? false,
    versions: get('runonserver', queryKeys.runonserver),
    roles: roles && itemsOf(roles.value).flatMap((item) => read(role, item, `${prefix}.role`, complain) ?? []),
    database: get('database', queryKeys.database),
  }
  return statement === undefined || columns === undefined ? undefined : { ...query, text: statement, columns }
}

function readColumns(prefix: string, { value, place }: Entry, complain: Complain): readonly QueryColumn[] {
  const what = `${prefix}.metrics`
  if (value.kind !== 'list') {
    complain(value.place, `${what}: is a ${value.kind}; allowed: a list such as "- datname: { usage: LABEL }"`)
    return []
  }
  const entries = value.items.flatMap((item) => entriesOf(item, what, 'columns, each with its usage', complain))
  if (entries.length > mostColumns) {
    complain(place, `${what}: has ${entries.length} columns; allowed: at most ${mostColumns}`)
    return []
  }
  const columns = [...unique(entries, what, complain).values()].flatMap(
    (entry) => readColumn(prefix, entry, complain) ?? [],
  )
  if (!entries.some(({ value: spec }) => /^(?:gauge|counter)$/i.test(usageOf(spec))))
    complain(place, `${what}: has no column with a number; allowed: at least one with usage GAUGE or COUNTER`)
  return columns
}

function usageOf(spec: Tree): string {
  const usage = spec.kind === 'map' ? spec.entries.find(({ key }) => key === 'usage')?.value : undefined
  return usage?.kind === 'text' ? usage.text : ''
}

function readColumn(prefix: string, { key, place, value }: Entry, complain: Complain): QueryColumn | undefined {
  const what = `${prefix}.metrics.${key}`
  const keys = unique(entriesOf(value, what, 'usage and description', complain), what, complain)
  for (const [other, { place: at }] of keys)
    if (other !== 'usage' && other !== 'description')
      complain(at, `${what}: ${JSON.stringify(other)} is no key of a column; allowed: usage, description`)
  const given = usageOf(value)
  const usage = Object.hasOwn(usages, given.toUpperCase()) ? usages[given.toUpperCase()] : undefined
  const at = keys.get('usage')?.value.place ?? place
  if (usage === 'discard') return undefined
  if (typeof usage === 'object') complain(at, `${what}.usage: ${given} is not supported; ${usage.instead}`)
  else if (usage === undefined)
    complain(
      at,
      `${what}.usage: ${JSON.stringify(given.slice(0, 100))} is not accepted; allowed: LABEL, GAUGE, COUNTER, DISCARD`,
    )
  read(usage === 'label' ? name : columnName, { kind: 'text', place, text: key }, 'the name of a column', complain)
  const about = keys.get('description')
  const help = about && read(description, about.value, `${what}.description`, complain)
  return typeof usage === 'string'
    ? { name: key, usage, help: help ?? `Column ${key} of the query ${prefix}.` }
    : undefined
}

/** A value of this type. */
function read<T>(type: SettingType<T>, tree: Tree, what: string, complain: Complain): T | undefined {
  const parsed = tree.kind === 'text' ? type.schema.safeParse(tree.text) : undefined
  if (parsed?.success === true) return parsed.data
  const shown = tree.kind === 'text' ? JSON.stringify(tree.text.slice(0, 100)) : `a ${tree.kind}`
  complain(tree.place, `${what}: ${shown} is not accepted; allowed: ${type.allowed}`)
  return undefined
}

function itemsOf(tree: Tree): readonly Tree[] {
  return tree.kind === 'list' ? tree.items : [tree]
}

function entriesOf(tree: Tree, what: string, allowed: string, complain: Complain): readonly Entry[] {
  if (tree.kind === 'map') return tree.entries
  complain(tree.place, `${what}: is a ${tree.kind}; allowed: ${allowed}`)
  return []
}

/** By their keys; one that is there twice is complained of. */
function unique(entries: readonly Entry[], what: string, complain: Complain): ReadonlyMap<string, Entry> {
  const known = new Map<string, Entry>()
  for (const entry of entries) {
    const first = known.get(entry.key)
    if (first === undefined) known.set(entry.key, entry)
    else complain(entry.place, `${what}.${entry.key}: is there already, in line ${first.place.line}; allowed: once`)
  }
  return known
}

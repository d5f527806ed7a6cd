// Settings as postgres_exporter tells them: each that is a number or a switch is a family, in base units
// (https://github.com/prometheus-community/postgres_exporter/blob/master/collector/pg_setting.go).
import { gauge } from '../collection.ts'
import type { Collection, Family } from '../collection.ts'

interface Setting {
  readonly name: string
  readonly setting: string
  readonly unit: string
  readonly vartype: 'bool' | 'integer' | 'real'
}

const sql = `
  select s.name, s.setting, coalesce(s.unit, '') as unit, s.vartype
    from pg_catalog.pg_settings s where s.vartype in ('bool', 'integer', 'real') order by 1`

const seconds: Readonly<Record<string, number>> = { us: 1e-6, ms: 1e-3, s: 1, min: 60, h: 3_600, d: 86_400 }
const bytes: Readonly<Record<string, number>> = { B: 1, kB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 }

/** A setting as a family: 16384 of 8kB is 134217728 bytes; -1, which means something else everywhere, stays. */
export function settingFamily({ name, setting, unit, vartype }: Setting): Family {
  const [, count = '1', size = ''] = /^(\d*)([a-zA-Z]+)$/.exec(unit)?.map((part) => (part === '' ? '1' : part)) ?? []
  const base = size in seconds ? 'seconds' : size in bytes ? 'bytes' : undefined
  const factor = Number(count) * (seconds[size] ?? bytes[size] ?? 1)
  const known = vartype === 'bool' ? Number(setting === 'on') : Number(setting)
  const metric = `pg_settings_${name.replaceAll(/[^a-zA-Z0-9_]/g, '_')}${base === undefined ? '' : `_${base}`}`
  const help = `Server parameter ${name}${base === undefined ? '' : `, in ${base}`}.`
  const value = known === -1 ? known : round(known * factor)
  return {
    spec: gauge(metric, help, 'setting'),
    samples: Number.isNaN(value) ? [] : [{ labels: {}, value }],
    dropped: Number(Number.isNaN(value)),
  }
}

/** 2 ms are 0.002 s and not 0.0020000000000000001. */
function round(value: number): number {
  return Number(value.toPrecision(12))
}

/** Every setting that is a number. */
export const settings = {
  name: 'postgres.settings',
  collector: 'settings',
  help: 'Every setting that is a number or a switch.',
  interval: 60_000,
  families: [gauge('pg_settings_*', 'The setting of this name, in seconds or bytes where it has a unit.', 'setting')],
  reader:
    () =>
    async ({ sql: server }) =>
      (await server.query<Setting>(sql)).map(settingFamily),
} as const satisfies Collection

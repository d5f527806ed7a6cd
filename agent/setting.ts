// One row of the settings table.
import type { SettingType } from './setting-types.ts'

/** One row: the variable, what it accepts, its default as a user would write it, and what it is for. */
export interface Setting<T> {
  readonly env: string
  readonly type: SettingType<T>
  readonly fallback?: string
  readonly help: string
}

export function required<T>(env: string, type: SettingType<T>, fallback: string, help: string): Setting<T> {
  return { env, type, fallback, help }
}

export function optional<T>(env: string, type: SettingType<T>, help: string): Setting<T | undefined> {
  return { env, type, help }
}

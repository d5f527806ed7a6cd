// Numbers, bytes and times for people.

/** `1 shard`, `2 shards`. */
export function countText(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

const units = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const

/** Bytes in the largest unit of 1024 that keeps a digit before the point. */
export function bytesText(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${power === 0 ? Math.round(bytes) : (bytes / 1024 ** power).toFixed(1)} ${units[power]}`
}

/** Seconds as `5 s`, `2 min 5 s` or `3 h 2 min`. */
export function timeText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  if (whole < 3_600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3_600)} h ${Math.floor((whole % 3_600) / 60)} min`
}

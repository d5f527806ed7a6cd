// The unit of a metric by its name: Prometheus wants it as the name's suffix, and where a name of postgres_exporter has none it is told here.

/** The first that fits. */
export const unitRules: readonly (readonly [name: RegExp, unit: string])[] = [
  [/^pg_settings_\*$/, 'that of the setting'],
  [/^pg_long_running_transactions_oldest_timestamp_seconds$/, 'seconds'],
  [/^pg_stat_activity_max_tx_duration$|^pg_stat_archiver_last_archive_age$|^pg_replication_lag$/, 'seconds'],
  [/^pg_stat_database_blk_(?:read|write)_time$/, 'milliseconds'],
  [/^pg_stat_(?:bgwriter_checkpoint|checkpointer)_(?:write|sync)_time_total$/, 'milliseconds'],
  [/^pg_.*_stats_reset(?:_total)?$|^pg_.*_(?:reply|send|receipt|latest_end)_time$/, 'seconds since 1970'],
  [/^pg_stat_user_tables_last_(?:auto)?(?:vacuum|analyze)$/, 'seconds since 1970'],
  [/^pg_.*_lsn(?:_diff)?$/, 'bytes'],
  [/_start_time_seconds$|_timestamp_seconds$/, 'seconds since 1970'],
  [/_seconds(?:_total)?$/, 'seconds'],
  [/_bytes(?:_total)?$/, 'bytes'],
  [/_ratio$/, 'ratio'],
  [/_cores$/, 'cores'],
]

/** What it is measured in; `-` where things are counted, or it is a flag. */
export function unitOf(metric: string): string {
  return unitRules.find(([name]) => name.test(metric))?.[1] ?? '-'
}

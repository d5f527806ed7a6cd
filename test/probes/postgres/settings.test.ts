// Settings as families: in base units, and what is no number is dropped and counted.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { settingFamily } from '../../../probes/postgres/settings.ts'

const cases: readonly [
  name: string,
  setting: string,
  unit: string,
  vartype: 'bool' | 'integer' | 'real',
  metric: string,
  value: number,
][] = [
  ['shared_buffers', '16384', '8kB', 'integer', 'pg_settings_shared_buffers_bytes', 134_217_728],
  ['work_mem', '4096', 'kB', 'integer', 'pg_settings_work_mem_bytes', 4_194_304],
  ['max_wal_size', '1024', 'MB', 'integer', 'pg_settings_max_wal_size_bytes', 1_073_741_824],
  ['temp_file_limit', '-1', 'kB', 'integer', 'pg_settings_temp_file_limit_bytes', -1],
  ['statement_timeout', '5000', 'ms', 'integer', 'pg_settings_statement_timeout_seconds', 5],
  ['autovacuum_vacuum_cost_delay', '2', 'ms', 'real', 'pg_settings_autovacuum_vacuum_cost_delay_seconds', 0.002],
  ['checkpoint_timeout', '5', 'min', 'integer', 'pg_settings_checkpoint_timeout_seconds', 300],
  ['track_size', '100', 'B', 'integer', 'pg_settings_track_size_bytes', 100],
  ['max_connections', '100', '', 'integer', 'pg_settings_max_connections', 100],
  ['fsync', 'on', '', 'bool', 'pg_settings_fsync', 1],
  ['jit', 'off', '', 'bool', 'pg_settings_jit', 0],
  ['citus.shard_count', '32', '', 'integer', 'pg_settings_citus_shard_count', 32],
]

suite('a setting', () => {
  for (const [name, setting, unit, vartype, metric, value] of cases)
    test(`${name} of ${setting}${unit} is ${metric} ${value}`, () => {
      const { spec, samples, dropped } = settingFamily({ name, setting, unit, vartype })
      assert.deepEqual([spec.name, samples, dropped], [metric, [{ labels: {}, value }], 0])
    })

  test('that is no number has no sample and is counted', () => {
    const { samples, dropped } = settingFamily({ name: 'odd', setting: 'much', unit: '', vartype: 'integer' })
    assert.deepEqual([samples, dropped], [[], 1])
  })
})

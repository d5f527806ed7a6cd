// Replication slots: what they keep from being removed. One that nobody reads fills the disk.
import { gauge } from '../collection.ts'
import type { Collection } from '../collection.ts'

const byDatabase = ['slot_name', 'database']
const byType = ['slot_name', 'slot_type']

/** Replication slots. */
export const slots = {
  name: 'postgres.slots',
  collector: 'replication_slot',
  help: 'Replication slots and the WAL that they keep.',
  interval: 15_000,
  sql: () => `
  select r.slot_name, coalesce(r.database, '') as database, r.slot_type, r.active::integer as active, pg_wal_lsn_diff(here.lsn, r.restart_lsn)::float8 as behind,
         pg_wal_lsn_diff(here.lsn, '0/0')::float8 as current, pg_wal_lsn_diff(coalesce(r.confirmed_flush_lsn, '0/0'), '0/0')::float8 as confirmed,
         r.safe_wal_size::float8 as safe, r.wal_status, case when r.wal_status is not null then 1 end as has_status
    from (select case when pg_is_in_recovery() then pg_last_wal_receive_lsn() else pg_current_wal_lsn() end as lsn) here, pg_catalog.pg_replication_slots r
   order by behind desc nulls last`,
  families: [
    gauge(
      'pg_replication_slots_pg_wal_lsn_diff',
      'WAL that the slot keeps from being removed, in bytes.',
      'behind',
      byDatabase,
    ),
    gauge('pg_replication_slots_active', 'Whether somebody reads from the slot.', 'active', byDatabase),
    gauge('pg_replication_slot_slot_current_wal_lsn', 'WAL position of this server.', 'current', byType, 'max'),
    gauge(
      'pg_replication_slot_slot_confirmed_flush_lsn',
      'Position that the reader confirmed; 0 for a physical slot.',
      'confirmed',
      byType,
      'min',
    ),
    gauge('pg_replication_slot_slot_is_active', 'Whether somebody reads from the slot.', 'active', byType),
    gauge(
      'pg_replication_slot_safe_wal_size_bytes',
      'WAL that can be written before the slot is in danger of being lost.',
      'safe',
      byType,
      'min',
    ),
    gauge('pg_replication_slot_wal_status', 'Whether the WAL that the slot needs is there; always 1.', 'has_status', [
      ...byType,
      'wal_status',
    ]),
  ],
} as const satisfies Collection

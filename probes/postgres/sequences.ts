// How much of each sequence is used up. Only those are seen that the sidecar's role may read (GRANT pg_read_all_data does for all).
import { gauge } from '../collection.ts'
import type { Collection } from '../collection.ts'

/** Sequences by how much of them is used. */
export const sequences = {
  name: 'postgres.sequences',
  help: 'How much of each sequence is used up, of those that the role may read.',
  interval: 300_000,
  session: 'sizes',
  sql: () => `
  select s.schemaname as schema, s.sequencename as sequence,
         case when s.increment_by > 0 then (s.last_value::float8 - s.min_value) / nullif(s.max_value::float8 - s.min_value, 0)
              else (s.max_value::float8 - s.last_value) / nullif(s.max_value::float8 - s.min_value, 0) end as used
    from pg_catalog.pg_sequences s where not s.cycle and s.last_value is not null order by 3 desc nulls last`,
  families: [
    gauge(
      'citus_sidecar_sequence_used_ratio',
      'Part of the sequence that is used up; at 1 it has no more numbers.',
      'used',
      ['schema', 'sequence'],
      'max',
    ),
  ],
} as const satisfies Collection

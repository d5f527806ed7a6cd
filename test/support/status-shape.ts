// The shape of /status as users may rely on it.
import * as z from 'zod'

const check = z.strictObject({
  name: z.string(),
  status: z.enum(['ok', 'warning', 'unknown', 'failed']),
  reason: z.string(),
  action: z.string(),
})
const verdict = z.strictObject({ ok: z.boolean(), checks: z.array(check).min(1) })
const time = z.number().min(Date.parse('2020-01-01'))
const reading = z.strictObject({
  probe: z.string(),
  begunAt: time,
  takenAt: time,
  durationMs: z.number().nonnegative(),
  waitedMs: z.number().nonnegative(),
  value: z.unknown().optional(),
  error: z.strictObject({ message: z.string(), code: z.string().optional(), timedOut: z.boolean() }).optional(),
  lastGood: z.strictObject({ value: z.unknown(), takenAt: time }).optional(),
  failures: z.int().nonnegative(),
})
const holdFigures = z.strictObject({
  since: time.optional(),
  maxMs: z.number().positive(),
  ended: z.strictObject({ released: z.int(), expired: z.int(), failed: z.int() }),
})
/** GET /status, strictly: a field more is a field that docs do not know. */
export const report = z.strictObject({
  node: z.strictObject({ name: z.string(), role: z.string(), host: z.string(), port: z.int(), version: z.string() }),
  now: time,
  startedAt: time,
  live: verdict,
  ready: verdict,
  started: verdict,
  join: z.strictObject({
    finding: z.string(),
    verifiedAt: time,
    metadataSynced: z.boolean().optional(),
    reason: z.string(),
    action: z.string(),
  }),
  finding: z.null(),
  maintenance: z.strictObject({ on: z.boolean(), changedAt: z.number(), reason: z.string() }),
  listening: z.strictObject({ up: z.boolean(), reason: z.string().optional() }),
  /** Left out by who never holds. */
  holds: z.strictObject({ pool: holdFigures.optional(), node: holdFigures.optional() }).optional(),
  flips: z.array(
    z.strictObject({ at: time, verdict: z.enum(['ready', 'started']), ok: z.boolean(), reason: z.string() }),
  ),
  members: z.array(z.looseObject({ name: z.string() })).min(1),
  readings: z.record(z.string(), reading),
  queriesWrong: z.int().nonnegative().optional(),
})

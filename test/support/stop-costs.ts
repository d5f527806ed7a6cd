// What a stop would cost on a server of some size that rests, to be made worse one thing at a time.
import type { StopCost } from '../../probes/postgres/stop-cost.ts'

export const MB = 1_048_576

export const resting: StopCost = {
  startedAt: 1_000,
  walBytes: 0,
  walBytesPerSecond: 0,
  sharedBuffersBytes: 8_192 * MB,
  checkpointBytes: 0,
  checkpointMs: 0,
  archiver: { waiting: 0, busyMs: 0, segmentMs: 500, failedMsAgo: undefined },
  clients: 0,
  longest: undefined,
  prepared: 0,
  preparedMs: 0,
}

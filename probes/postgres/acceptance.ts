// What a new connection meets: starting up, shutting down, full, frozen and refused are different things.
import { recoveryProgress } from '../host/recovery-progress.ts'
import type { Probe, ProbeLimits, ReadingError } from '../probe.ts'

export type AcceptanceState =
  | 'accepting'
  | 'starting'
  | 'recovering'
  | 'shutting-down'
  | 'full'
  | 'frozen'
  | 'refused'
  | 'no-database'
  | 'login-refused'
  | 'failed'

export interface Acceptance {
  readonly state: AcceptanceState
  /** What the server or the socket said; for `accepting` empty. */
  readonly message: string
  readonly latencyMs: number
  /** WAL file that crash recovery replays, where it can be seen. */
  readonly replaying: string | undefined
}

/** What each state means for a person, and what to do about it. */
export const acceptanceTexts: Readonly<Record<AcceptanceState, { reason: string; action: string }>> = {
  accepting: { reason: 'PostgreSQL accepts connections', action: '' },
  starting: {
    reason: 'PostgreSQL is starting up',
    action: 'wait; crash recovery shows its progress in the server log',
  },
  recovering: {
    reason: 'PostgreSQL is in recovery and not yet consistent',
    action: 'wait; recovery shows its progress in the server log',
  },
  'shutting-down': { reason: 'PostgreSQL is shutting down', action: 'wait for the restart, or look who stopped it' },
  full: {
    reason: 'PostgreSQL has no free connection slot',
    action: 'look who holds them in pg_stat_activity; use a pooler or raise max_connections',
  },
  frozen: {
    reason: 'PostgreSQL does not answer',
    action: 'look for stopped processes, a stalled volume or CPU throttling',
  },
  refused: {
    reason: 'nothing listens where PostgreSQL should be',
    action: 'look whether the postgres container runs; check PGHOST and PGPORT',
  },
  'no-database': {
    reason: 'the database does not exist',
    action: 'check PGDATABASE, or run `citus-sidecar bootstrap --create`',
  },
  'login-refused': {
    reason: 'PostgreSQL refused the login of the sidecar',
    action: 'check PGUSER, the password file and pg_hba.conf, or run `citus-sidecar bootstrap`',
  },
  failed: { reason: 'a connection to PostgreSQL failed', action: 'read the message' },
}

// SQLSTATEs: https://www.postgresql.org/docs/current/errcodes-appendix.html; errno names: errno(3)
const byCode: Readonly<Record<string, AcceptanceState>> = {
  '53300': 'full',
  '3D000': 'no-database',
  '28P01': 'login-refused',
  '28000': 'login-refused',
  '57P01': 'shutting-down',
  '57P02': 'shutting-down',
  ECONNREFUSED: 'refused',
  ENOENT: 'refused',
  ENOTFOUND: 'refused',
  EAI_AGAIN: 'refused',
  ETIMEDOUT: 'frozen',
  // A unix socket whose queue of callers is full: nobody has accepted one for long.
  EAGAIN: 'frozen',
}

/** Sorts a failed connection attempt; 57P03 covers several states that only the message tells apart. */
export function acceptanceOf(error: ReadingError): AcceptanceState {
  if (error.timedOut) return 'frozen'
  if (error.code === '57P03') {
    if (/shutting down/i.test(error.message)) return 'shutting-down'
    return /not (?:yet )?accepting|recovery/i.test(error.message) ? 'recovering' : 'starting'
  }
  return byCode[error.code ?? ''] ?? 'failed'
}

/** Left for the reading to become a verdict before the limit is over, milliseconds. */
const margin = 500

/** A new connection is accepted; a rejection is a value too, for it says what the server is doing. */
export function acceptance(limits: ProbeLimits, describe: (error: unknown) => ReadingError): Probe<'postgres.connect'> {
  // Interval and deadline together must end before the frozen limit does; a login costs both sides, so not oftener than that.
  const interval = Math.min(Math.max(limits.frozenAfter - limits.connectTimeout - margin, 250), 2_000)
  return {
    name: 'postgres.connect',
    help: 'What a new connection meets, and how long the login takes.',
    session: 'none',
    interval,
    timeout: Math.max(Math.min(limits.connectTimeout, limits.frozenAfter - interval - 250), 250),
    skip: () => undefined,
    read: async (context, signal) => {
      const start = context.elapsed()
      try {
        await context.dial(signal)
        return { state: 'accepting', message: '', latencyMs: context.elapsed() - start, replaying: undefined }
      } catch (error) {
        const known = describe(error)
        const state = signal.aborted ? 'frozen' : acceptanceOf(known)
        const replaying = state === 'starting' || state === 'recovering' ? await recoveryProgress() : undefined
        return { state, message: known.message, latencyMs: context.elapsed() - start, replaying }
      }
    },
  }
}

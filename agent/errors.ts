// Every error this program raises on purpose: its code (API, listed in docs/errors.md), its kind, and what the kind means.

/** How an error ends: `config` exits 2, `fatal` exits 1, `retryable` is tried again with backoff, `refused` waits for a person. */
export type ErrorKind = 'config' | 'fatal' | 'retryable' | 'refused'

/** The one table of error codes; docs/errors.md is held against it by a test. */
export const errorCodes = {
  CONFIG_INVALID: { kind: 'config', help: 'One or more settings are missing or wrong; all are listed.' },
  USAGE: { kind: 'config', help: 'The command line is wrong.' },
  SECRET_UNREADABLE: { kind: 'retryable', help: 'A password or certificate file cannot be read or is empty.' },
  CONNECT_FAILED: { kind: 'retryable', help: 'A server could not be reached or refused the login.' },
  QUERY_TIMEOUT: { kind: 'retryable', help: 'A query had no answer within its deadline; its connection was given up.' },
  SESSION_CLOSED: { kind: 'retryable', help: 'A held connection ended while or before a query ran.' },
  NO_COORDINATOR: { kind: 'retryable', help: 'None of the configured coordinators answers as a primary.' },
  TWO_COORDINATORS: {
    kind: 'retryable',
    help: 'Several configured coordinators answer as primary and their timelines do not decide.',
  },
  LISTEN_FAILED: {
    kind: 'retryable',
    help: 'The LISTEN session could not be opened, or its heartbeat did not return.',
  },
  BOOTSTRAP_FAILED: { kind: 'fatal', help: 'citus-sidecar bootstrap could not prepare the node.' },
  LISTENER_FAILED: { kind: 'fatal', help: 'The HTTP port or the control socket could not be opened.' },
  NO_SIDECAR: { kind: 'fatal', help: 'No sidecar answers on the control socket.' },
  UNDECIDED: {
    kind: 'retryable',
    help: 'The running sidecar does not know yet whether its node may join; look at `citus-sidecar status` and try again.',
  },
  CONTROL_REFUSED: { kind: 'fatal', help: 'The running sidecar refused what a command asked of it.' },
} as const satisfies Record<string, { kind: ErrorKind; help: string }>

export type ErrorCode = keyof typeof errorCodes

/** An error with a stable code; the message names the thing, the value and what to do. */
export class SidecarError extends Error {
  override name = 'SidecarError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  get kind(): ErrorKind {
    return errorCodes[this.code].kind
  }
}

/** The SQLSTATE of a PostgreSQL error, undefined for anything else; every one has a digit, the errno name EPIPE has none. */
export function sqlstate(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  const code = error.code
  return typeof code === 'string' && /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? code : undefined
}

/** One line for a person: the message, with hint and SQLSTATE where PostgreSQL gave them. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const state = sqlstate(error)
  const hint = 'hint' in error && typeof error.hint === 'string' ? ` (hint: ${error.hint})` : ''
  const inner =
    error instanceof AggregateError && error.message === '' ? error.errors.map(reasonOf).join('; ') : error.message
  return `${inner}${hint}${state === undefined ? '' : ` [${state}]`}`.replaceAll(/\s+/g, ' ')
}

/** 0 good, 1 failed, 2 bad configuration or usage, 3 the check found problems. */
export type ExitCode = 0 | 1 | 2 | 3

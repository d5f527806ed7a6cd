// May clients come to this PgBouncer, and can it hold them: it stays ready while it holds, for waiting is what it is there for.
import type { Readings } from '../probe.ts'
import { ageText, failed, ok, toVerdict, unknown, warning } from './verdict.ts'
import type { Check, Verdict } from './verdict.ts'

/** All that the readiness of a pooler looks at; milliseconds. */
export interface PoolerState {
  readonly now: number
  readonly readings: Readings
  /** Databases that a hold would pause; undefined while nobody can say. */
  readonly targets: readonly string[] | undefined
  /** Why the ledger cannot be asked; undefined where it can. */
  readonly ledger: string | undefined
  readonly frozenAfter: number
  readonly holdMax: number
}

/** A client that waits for longer than this after a restart notices. */
const slowReturn = 2_000

/** Readiness of a pooler. */
export function poolerReadiness(state: PoolerState): Verdict {
  return toVerdict([
    consoleCheck(state),
    databasesCheck(state),
    waitCheck(state),
    ...modeCheck(state),
    ...returnChecks(state),
    ledgerCheck(state),
  ])
}

/** Started once PgBouncer has answered. */
export function poolerStartup(readings: Readings): Verdict {
  const answered = readings['pgbouncer.alive']?.lastGood !== undefined
  return answered ? toVerdict([ok('pgbouncer')]) : { ok: false, checks: [unknown('pgbouncer', 'no answer yet')] }
}

function consoleCheck({ now, readings, frozenAfter }: PoolerState): Check {
  const reading = readings['pgbouncer.alive']
  const action = 'look whether PgBouncer runs, and at CITUS_SIDECAR_PGBOUNCER_HOST, _PORT, _USER and admin_users'
  if (reading === undefined) return failed('pgbouncer', 'PgBouncer has not been asked yet', 'wait a moment')
  if (reading.error !== undefined) return failed('pgbouncer', reading.error.message, action)
  const age = now - reading.takenAt
  if (age > frozenAfter) return failed('pgbouncer', `no answer for ${ageText(age)}`, action)
  return ok('pgbouncer', reading.value?.version ?? '')
}

function databasesCheck({ targets }: PoolerState): Check {
  if (targets === undefined) return unknown('databases', 'not known yet')
  if (targets.length > 0) return ok('databases', `a hold pauses ${targets.join(', ')}`)
  return failed(
    'databases',
    'no database of PgBouncer leads to this cluster, so nothing can be held',
    'set CITUS_SIDECAR_POOLER_DATABASES, or give the databases the host that the ledger knows',
  )
}

function waitCheck({ readings, holdMax }: PoolerState): Check {
  const limits = readings['pgbouncer.limits']?.lastGood?.value
  if (limits === undefined) return unknown('wait-timeout', 'not asked yet')
  const { queryWaitTimeout } = limits
  if (queryWaitTimeout === undefined || queryWaitTimeout === 0 || queryWaitTimeout > holdMax) return ok('wait-timeout')
  return failed(
    'wait-timeout',
    `query_wait_timeout of PgBouncer is ${ageText(queryWaitTimeout)}, so a hold of ${ageText(holdMax)} would fail clients`,
    'raise query_wait_timeout, or lower CITUS_SIDECAR_HOLD_MAX on all sidecars',
  )
}

function modeCheck({ readings, targets = [] }: PoolerState): readonly Check[] {
  const usual = readings['pgbouncer.limits']?.lastGood?.value.poolMode
  const databases = readings['pgbouncer.databases']?.lastGood?.value ?? []
  if (usual === undefined) return []
  const sessions = databases
    .filter(({ name, poolMode }) => targets.includes(name) && (poolMode ?? usual) === 'session')
    .map(({ name }) => name)
  if (sessions.length === 0) return [ok('pool-mode')]
  return [
    warning(
      'pool-mode',
      `${sessions.join(', ')} is pooled by session: no hold is reached while a client that has asked anything stays connected`,
      'set pool_mode = transaction, or let clients connect anew for every use',
    ),
  ]
}

function returnChecks({ readings }: PoolerState): readonly Check[] {
  const limits = readings['pgbouncer.limits']?.lastGood?.value
  if (limits === undefined) return []
  const { serverLoginRetry = 0, dnsMaxTtl = 0 } = limits
  const late = (ms: number, what: string): string =>
    `clients may wait ${ageText(ms)} longer than a restart takes: ${what}`
  return [
    serverLoginRetry <= slowReturn
      ? ok('login-retry')
      : warning('login-retry', late(serverLoginRetry, 'server_login_retry of PgBouncer'), 'set it to 1'),
    dnsMaxTtl <= slowReturn
      ? ok('dns')
      : warning('dns', late(dnsMaxTtl, 'dns_max_ttl of PgBouncer, where a node has a new address'), 'set it to 1'),
  ]
}

function ledgerCheck({ ledger }: PoolerState): Check {
  if (ledger === undefined) return ok('ledger')
  return warning('ledger', `nobody can ask for a hold: ${ledger}`, 'look at the coordinator; clients are served')
}

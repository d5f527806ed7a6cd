// The composition root of a sidecar beside a PgBouncer: probes of its console, membership, holds, pages; closed last opened first.
import type { Snapshot } from '../exporters/exporter.ts'
import { PrometheusExporter } from '../exporters/prometheus/registry.ts'
import { poolerProbes } from '../probes/index.ts'
import { acceptanceOf } from '../probes/postgres/acceptance.ts'
import { liveness } from '../probes/verdicts/liveness.ts'
import { poolerReadiness, poolerStartup } from '../probes/verdicts/pooler.ts'
import type { Verdict } from '../probes/verdicts/verdict.ts'
import { CoordinatorLocator } from './cluster/coordinator.ts'
import { noMaintenance } from './cluster/maintenance.ts'
import { poolerFacts } from './cluster/pooler-facts.ts'
import { PoolerMember } from './cluster/pooler-member.ts'
import type { Config } from './config.ts'
import { controlSocket } from './control-client.ts'
import type { Report } from './events.ts'
import { PoolerConsole } from './hold/console.ts'
import { Hints } from './hints.ts'
import { lastWords } from './hold/follower.ts'
import { PoolHold } from './hold/pool-hold.ts'
import { keepDnsShort } from './hold/short-dns.ts'
import { Promptness } from './hold/promptness.ts'
import { sessionLedger } from './hold/session-ledger.ts'
import { targetsAmong } from './hold/targets.ts'
import { listenOnSocket } from './http/control.ts'
import { buildPoolerControl } from './http/pooler-control.ts'
import { listenOn } from './http/listen-on.ts'
import { buildServer } from './http/server.ts'
import type { StatusReport } from './http/status-report.ts'
import { systemClock } from './loop/clock.ts'
import { describeError } from './loop/describe.ts'
import { ReadingStore } from './loop/readings.ts'
import { Scheduler } from './loop/scheduler.ts'
import { consoleTarget } from './pg/conninfo.ts'
import { Session } from './pg/session.ts'
import { probeLimits } from './probe-limits.ts'
import type { Telemetry } from './telemetry.ts'
import { durationFigures } from './tracing/durations.ts'
import { sampledBy } from './tracing/sampled.ts'
import { version } from './version.ts'

/** A coordinator that is away must not be waited for while clients are held, milliseconds. */
const ledgerPatience = 1_500
const idleTimeout = 250
/** How often age alone may change a verdict, milliseconds. */
const tick = 500

/** A running sidecar of a PgBouncer. */
export interface Pooler extends AsyncDisposable {
  /** Ends when the signal given to startPooler has aborted and every loop has returned; nothing is paused then. */
  readonly done: Promise<unknown>
}

/** Starts everything. @throws SidecarError LISTENER_FAILED. */
export async function startPooler(
  config: Config,
  report: Report,
  telemetry: Telemetry,
  stop: AbortSignal,
): Promise<Pooler> {
  await using stack = new AsyncDisposableStack()
  const clock = systemClock
  const startedAt = clock.now()
  const own = new AbortController()
  const signal = AbortSignal.any([stop, own.signal])
  const readings = new ReadingStore()
  const locator = new CoordinatorLocator(config, clock)
  const look = (): void => scheduler.look('pgbouncer.alive', 'pgbouncer.databases', 'pgbouncer.limits')

  const consoleSession = stack.use(
    new Session(config, {
      target: async () => await Promise.resolve(consoleTarget(config, 'pgbouncer')),
      onClosed: look,
    }),
  )
  const console = stack.use(new PoolerConsole(config, look))
  const promptness = new Promptness(console, config.runDir)
  stack.defer(async () => await promptness.end(AbortSignal.timeout(lastWords)))
  const ledgerSession = stack.use(
    new Session(config, { target: async (late) => await locator.target('ledger', late), idleTimeout }),
  )
  const impatient = { ...config, connectTimeout: Math.min(config.connectTimeout, ledgerPatience) }
  const holdSession = stack.use(
    new Session(impatient, { target: async (late) => await locator.target('hold', late), idleTimeout }),
  )

  const probes = poolerProbes(probeLimits(config))
  const elapsed = (): number => performance.now()
  const sampled = sampledBy(config.traceProbes, probes, Math.random, elapsed)
  const scheduler = new Scheduler({
    probes,
    readings,
    clock,
    random: Math.random,
    facts: () => ({ role: config.role, inRecovery: undefined }),
    sql: (_name, bounds) => consoleSession.sql(bounds),
    dial: async () => await Promise.resolve(),
    elsewhere: async () => await Promise.resolve([]),
    elapsed,
    sampled,
  })
  const member = new PoolerMember({
    config,
    clock,
    ledger: ledgerSession,
    report,
    readiness: () => ({ ready: ready.ok, reason: reasonIn(ready) }),
    facts: () =>
      poolerFacts({
        holding: hold.holding,
        targets: targets(),
        databases: readings.get('pgbouncer.databases')?.lastGood?.value,
        limits: readings.get('pgbouncer.limits')?.lastGood?.value,
      }),
  })
  const ledger = sessionLedger(holdSession, ledgerPatience, (error) => {
    locator.forget()
    if (acceptanceOf(describeError(error)) === 'shutting-down') hints.letGo()
  })
  const { holdMax, pauseTry, pauseBreak, registrationInterval } = config
  const hold = new PoolHold({
    clock,
    report,
    console,
    promptness,
    ledger,
    holder: config.node,
    runDir: config.runDir,
    targets: () => {
      const bad = judge().checks.find(({ status, name }) => status !== 'ok' && holdNeeds.has(name))
      return bad === undefined ? { databases: targets() ?? [] } : { unfit: `${bad.name}: ${bad.reason}` }
    },
    limits: { holdMax, pauseTry, pauseBreak, interval: registrationInterval },
    onChange: () => member.tell(),
  })
  const hints = new Hints({
    config,
    clock,
    report,
    locator,
    onHint: () => hold.hint(),
    onState: () => {
      hold.hint()
      member.tell()
    },
  })
  let ready: Verdict = { ok: false, checks: [] }
  const prometheus = stack.use(new PrometheusExporter(durationFigures))

  function targets(): readonly string[] | undefined {
    const databases = readings.get('pgbouncer.databases')?.lastGood?.value
    if (databases === undefined) return undefined
    const nodes = member.members.filter(({ role }) => role !== 'pooler')
    return targetsAmong(databases, config.poolerDatabases, [...config.coordinator, ...nodes])
  }

  function judge(): Verdict {
    const before = ready
    const { trouble } = member
    ready = poolerReadiness({
      now: clock.now(),
      readings: readings.all(),
      targets: targets(),
      ledger: trouble,
      frozenAfter: config.frozenAfter,
      holdMax,
    })
    if (before.ok !== ready.ok) {
      report('verdict.changed', { verdict: 'ready', ok: ready.ok, reason: reasonIn(ready) })
      member.tell()
    }
    return ready
  }

  function snapshot(): Snapshot {
    const now = clock.now()
    const { toldAt, trouble } = member
    const finding = trouble === undefined ? 'verified' : toldAt === undefined ? 'pending' : 'blind'
    return {
      now,
      node: { name: config.node, role: config.role, ...config.address, version },
      readings: readings.all(),
      probes,
      live: liveness(scheduler.lastTick, now),
      ready,
      started: poolerStartup(readings.all()),
      join: { finding, verifiedAt: toldAt, metadataSynced: undefined, reason: trouble ?? '', action: '' },
      maintenance: noMaintenance,
      listening: hints.state.up,
      traces: telemetry.figures,
      holds: { pool: hold.figures },
    }
  }

  function status(): StatusReport {
    const { probes: _probes, listening: _up, ...rest } = snapshot()
    const held = hold.holding
    return {
      ...rest,
      startedAt,
      finding: null,
      listening: hints.state,
      flips: [],
      members: member.members,
      ...(held === undefined ? {} : { holding: { ...held.lease, paused: held.paused } }),
    }
  }

  // Before the pages: a lease that an earlier sidecar left must not wait for a port.
  const holding = hold.run(signal)
  stack.defer(async () => {
    own.abort(new Error('the sidecar ends'))
    await holding.catch(() => undefined)
  })
  const http = buildServer({
    snapshot,
    flips: () => [],
    status,
    metrics: async (format) =>
      await sampled('metrics', 'GET /metrics', async () => await prometheus.render(snapshot, format)),
  })
  stack.defer(async () => await http.close())
  await listenOn(http, { setting: 'CITUS_SIDECAR_HTTP_PORT', host: config.httpAddress, port: config.httpPort })
  const control = buildPoolerControl(status)
  stack.defer(async () => await control.close())
  await listenOnSocket(control, controlSocket(config))

  const timer = setInterval(judge, tick)
  stack.defer(() => clearInterval(timer))
  readings.on('reading', judge)
  keepDnsShort({ readings, targets, promptness, report, look }, signal)
  report('started', { version, role: config.role, address: `${config.address.host}:${config.address.port}` })
  const loops = Promise.all([scheduler.run(signal), member.run(signal), hints.run(signal), holding])
  stack.defer(async () => {
    own.abort(new Error('the sidecar ends'))
    await loops.catch(() => undefined)
    // Who still keeps clients waiting is not gone: the next sidecar finds the lease.
    if (hold.free) await member.leave(AbortSignal.timeout(lastWords))
  })
  const owned = stack.move()
  return { done: loops, [Symbol.asyncDispose]: async () => await owned.disposeAsync() }
}

/** Checks without which nothing can be held. */
const holdNeeds: ReadonlySet<string> = new Set(['databases', 'wait-timeout'])

function reasonIn({ checks }: Verdict): string {
  const bad = checks.find(({ status }) => status === 'failed')
  return bad === undefined ? '' : `${bad.name}: ${bad.reason}`
}

// The composition root: Config -> every part, wired; closed last opened first.
import type { Snapshot } from '../exporters/exporter.ts'
import { PrometheusExporter } from '../exporters/prometheus/registry.ts'
import { allProbes } from '../probes/index.ts'
import type { NodeFacts, ProbeName, SessionName } from '../probes/probe.ts'
import { acceptanceOf } from '../probes/postgres/acceptance.ts'
import { liveness } from '../probes/verdicts/liveness.ts'
import type { NodeState } from '../probes/verdicts/verdict.ts'
import { AloneLock } from './cluster/alone.ts'
import { CoordinatorLocator } from './cluster/coordinator.ts'
import type { NodeReport } from './cluster/heartbeat.ts'
import { MaintenanceSwitch } from './cluster/maintenance.ts'
import { Registration } from './cluster/registration.ts'
import type { Config } from './config.ts'
import { Coordinating } from './coordinating.ts'
import { Leaving } from './leaving.ts'
import { Hints } from './hints.ts'
import { endWhenFree } from './lifecycle.ts'
import { controlSocket } from './control-client.ts'
import type { Report } from './events.ts'
import { buildControl, listenOnSocket } from './http/control.ts'
import { listenOn } from './http/listen-on.ts'
import { buildServer } from './http/server.ts'
import { reportOf } from './http/status-report.ts'
import type { StatusReport } from './http/status-report.ts'
import { systemClock } from './loop/clock.ts'
import { describeError } from './loop/describe.ts'
import { ReadingStore } from './loop/readings.ts'
import { Scheduler } from './loop/scheduler.ts'
import { whenClosed, whenUp } from './looks.ts'
import { nodeFacts } from './node-facts.ts'
import { connect, endClient } from './pg/connect.ts'
import { localTarget } from './pg/conninfo.ts'
import { probeLimits } from './probe-limits.ts'
import { Restarts } from './restarts.ts'
import { askOn } from './queries/ask.ts'
import { OwnQueries } from './queries/own-queries.ts'
import { Sessions } from './sessions.ts'
import { Statements } from './statements/statements.ts'
import type { Telemetry } from './telemetry.ts'
import { otherVersions } from './cluster/version-skew.ts'
import { VerdictKeeper } from './verdict-keeper.ts'
import { durationFigures } from './tracing/durations.ts'
import { sampledBy } from './tracing/sampled.ts'
import { version } from './version.ts'

/** A running sidecar. */
export interface Agent extends AsyncDisposable {
  /** Ends when the signal given to startAgent has aborted and every loop has returned. */
  readonly done: Promise<unknown>
}

/** Starts everything; the HTTP port answers before PostgreSQL is first asked. @throws SidecarError LISTENER_FAILED. */
export async function startAgent(
  config: Config,
  report: Report,
  telemetry: Telemetry,
  stop: AbortSignal,
): Promise<Agent> {
  await using stack = new AsyncDisposableStack()
  const clock = systemClock
  const startedAt = clock.now()
  const own = new AbortController()
  const { signal } = own
  const readings = new ReadingStore()
  const locator = new CoordinatorLocator(config, clock)
  const sessions = stack.use(new Sessions(config, locator, (use) => closed(use)))

  const probes = allProbes(probeLimits(config), describeError)
  const [random, elapsed] = [Math.random, (): number => performance.now()]
  const sampled = sampledBy(config.traceProbes, probes, random, elapsed)
  const shared = { config, clock, report, random, readings }
  const facts = (): NodeFacts => nodeFacts(config, readings)
  const scheduler = new Scheduler({
    probes,
    readings,
    clock,
    random,
    facts,
    sql: (name, bounds) => sessions.of(name).sql(bounds),
    dial: async (late) => await endClient(await connect(config, localTarget(config, 'connect'), late), 200),
    elsewhere: sessions.elsewhere,
    elapsed,
    sampled,
  })
  const [ask, onNone] = [askOn(sessions, config), async () => await sessions.queries.close()]
  const queries = new OwnQueries({ config, clock, report, readings, scheduler, ask, onNone })
  const statements = new Statements({
    ...shared,
    telemetry,
    facts,
    sql: (late) => sessions.probe.sql({ timeout: config.statementTimeout, signal: late }),
    nodeId: () => registration.nodeId,
    members: () => registration.members,
  })
  const restarts = new Restarts(config.runDir, readings)
  const maintenance = new MaintenanceSwitch(config.runDir, clock)
  const alone = new AloneLock(sessions.probe, config)
  const registration = new Registration({
    ...shared,
    locator,
    local: sessions.probe,
    ledger: sessions.ledger,
    operation: sessions.register,
    nodeReport,
    hearMaintenance: async (...copies) => await maintenance.hear(...copies),
    alone: async () => await alone.held(signal),
    draining: () => leaving.reason,
    look: (...names) => scheduler.look(...names),
    onJudged: () => keeper.judge(),
  })
  const leaving = new Leaving({
    ...shared,
    sessions,
    look: (name) => scheduler.look(name),
    alone: async (late) => await alone.held(late),
    onChange: () => {
      keeper.judge()
      registration.tell()
    },
  })
  const { drain } = leaving
  const coordinating = new Coordinating({
    ...shared,
    sessions,
    members: () => registration.members,
    alone: async (late) => await alone.held(late),
    resting: () => {
      if (maintenance.current.on) return 'the coordinator is in maintenance'
      return leaving.reason === undefined ? undefined : 'the coordinator is being drained'
    },
  })
  const hints = new Hints({
    config,
    clock,
    report,
    locator,
    onHint: () => {
      scheduler.look('citus.nodes')
      coordinating.hint()
    },
    onState: (up) => {
      if (!up) scheduler.look('citus.nodes')
    },
  })
  const keeper = stack.use(new VerdictKeeper({ state: nodeState, report, onFlip: () => registration.tell() }))
  const prometheus = stack.use(new PrometheusExporter(durationFigures))

  function closed(use: SessionName): void {
    if (signal.aborted) return
    report('session.closed', { session: use })
    // The server may be gone, and may come back as another one.
    if (use === 'pgbouncer') scheduler.look('pgbouncer.alive')
    else lookAtServer()
  }

  /** Asks PostgreSQL at once, and reads again what was written there. */
  function lookAtServer(): void {
    scheduler.look(...whenClosed)
  }

  function nodeState(): NodeState {
    const { frozenAfter, standbyMaxLag, standbyGrace, maxLatency, registrationMaxAge } = config
    return {
      now: clock.now(),
      role: config.role,
      readings: readings.all(),
      join: registration.join,
      maintenance: maintenance.current,
      draining: drain.away,
      otherVersions: otherVersions(registration.members, config.node, readings.get('citus.versions')?.value?.library),
      limits: { frozenAfter, standbyMaxLag, standbyGrace, maxLatency, registrationMaxAge },
    }
  }

  function nodeReport(): NodeReport {
    return {
      ready: keeper.ready.ok,
      reason: keeper.reason,
      maintenance: maintenance.current,
      lagBytes: readings.get('postgres.replication')?.value?.lagBytes,
      citusVersion: readings.get('citus.versions')?.lastGood?.value.library,
      sidecarVersion: version,
      nodeId: registration.nodeId,
      httpPort: config.httpPort,
      heartbeatInterval: config.heartbeatInterval,
    }
  }

  function snapshot(): Snapshot {
    const now = clock.now()
    return {
      now,
      node: { name: config.node, role: config.role, ...config.address, version },
      readings: readings.all(),
      probes: [...probes, ...queries.probes],
      queriesWrong: queries.wrong,
      restarts: restarts.counts,
      live: liveness(scheduler.lastTick, now),
      ready: keeper.ready,
      started: keeper.started,
      join: registration.join,
      maintenance: maintenance.current,
      listening: hints.state.up,
      traces: telemetry.figures,
      statements: statements.figures,
      leaving: leaving.drain.figures,
      ...coordinating.figures,
    }
  }

  function status(): StatusReport {
    return reportOf(snapshot(), {
      startedAt,
      finding: registration.finding ?? null,
      listening: hints.state,
      flips: keeper.flips,
      members: registration.members,
    })
  }

  const http = buildServer({
    snapshot,
    flips: () => keeper.flips,
    status,
    links: statements.links,
    metrics: async (format) =>
      await sampled('metrics', 'GET /metrics', async () => await prometheus.render(snapshot, format)),
  })
  stack.defer(async () => await http.close())
  await listenOn(http, { setting: 'CITUS_SIDECAR_HTTP_PORT', host: config.httpAddress, port: config.httpPort })
  await leaving.start(stack)
  const control = buildControl({
    status,
    look: lookAtServer,
    accept: async (code) => (registration.finding?.code === code ? await registration.accept(signal) : undefined),
    maintenance: async (on, reason) => {
      const changed = await maintenance.set(on, reason)
      report('maintenance.changed', { on, reason })
      keeper.judge()
      registration.tell()
      return changed
    },
    drain: leaving.controls,
    top: async (query) => await statements.top(query),
  })
  stack.defer(async () => await control.close())
  await listenOnSocket(control, controlSocket(config))

  await Promise.all([maintenance.load(), restarts.load()])
  let run: number | undefined
  readings.on('reading', (name) => {
    const now = name === 'postgres.alive' ? readings.get(name)?.value?.startedAt : run
    if (now !== run && now !== undefined) scheduler.look(...whenUp(probes), ...queries.probes.map((one) => one.name))
    run = now
    letGo(name)
    drain.look()
    keeper.judge()
    if (name === 'citus.nodes' || name === 'citus.local' || name === 'postgres.identity') registration.hint()
  })
  report('started', { version, role: config.role, address: `${config.address.host}:${config.address.port}` })
  void endWhenFree(stop, own, () => drain.neededUntil)
  const loops = Promise.all([
    scheduler.run(signal),
    queries.run(signal),
    statements.run(signal),
    registration.run(signal),
    hints.run(signal),
    maintenance.follow(registration, sessions.probe, config, signal),
    leaving.run(signal),
    coordinating.run(signal),
  ])
  // Disposed first, so that the loops end before the sessions under them close.
  stack.defer(async () => {
    own.abort(new Error('the sidecar ends'))
    await loops.catch(() => undefined)
  })

  /** A server that shuts down slowly waits for every session to end, and ours would never. */
  function letGo(name: ProbeName): void {
    const { error } = readings.get('citus.nodes') ?? {}
    if (name === 'postgres.connect' && readings.get(name)?.value?.state === 'shutting-down') void sessions.letGo()
    if (name === 'citus.nodes' && error !== undefined && acceptanceOf(error) === 'shutting-down') hints.letGo()
  }

  const owned = stack.move()
  return {
    done: loops,
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  }
}

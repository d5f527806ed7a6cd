// Keeps this node joined: whenever something may have changed it reads what is, decides, acts once, and is woken again by what
// comes of it. Nothing here remembers a step it has to finish; a lost wake-up costs one interval.
import type { ProbeName } from '../../probes/probe.ts'
import type { Join } from '../../probes/verdicts/verdict.ts'
import type { Config } from '../config.ts'
import { reasonOf } from '../errors.ts'
import type { Report } from '../events.ts'
import { delayOf } from '../loop/backoff.ts'
import type { Clock } from '../loop/clock.ts'
import type { ReadingStore } from '../loop/readings.ts'
import type { Bounds, Session } from '../pg/session.ts'
import type { CoordinatorLocator } from './coordinator.ts'
import { decide } from './decide.ts'
import type { Decision } from './decide.ts'
import type { JoinFacts } from './facts.ts'
import { unfenced } from './fencing.ts'
import { finding, findingOfError } from './findings.ts'
import type { Finding, FindingCode } from './findings.ts'
import { gatherFacts, isOlder, localAnswer, selfOf } from './gather.ts'
import { Heartbeat } from './heartbeat.ts'
import type { NodeReport } from './heartbeat.ts'
import { JoinState } from './join-state.ts'
import { acceptMember } from './ledger.ts'
import type { Member } from './ledger.ts'
import { forgetVerification, readNotebook, verificationOf, writeVerification } from './notebook.ts'
import type { Notebook } from './notebook.ts'
import { runAction } from './operation.ts'

const retry = { base: 500, cap: 15_000 }
/** After a failure that will not pass by itself, milliseconds. */
const stoppedFor = 60_000
/** A verification is written down at most this often while nothing in it changes, milliseconds. */
const noteEvery = 60_000

type Act = Extract<Decision, { do: 'act' }>

export interface RegistrationOptions {
  readonly config: Config
  readonly clock: Clock
  readonly random: () => number
  readonly readings: ReadingStore
  readonly locator: CoordinatorLocator
  readonly report: Report
  /** Held session on the local server. */
  readonly local: Session
  /** On-demand session on the coordinator. */
  readonly ledger: Session
  /** Session of its own on the coordinator for calls that change metadata. */
  readonly operation: Session
  /** What the heartbeat tells about this node besides its identity. */
  readonly nodeReport: () => NodeReport
  /** Whether this sidecar is the one that serves this node. */
  readonly alone: () => Promise<boolean>
  readonly look: (...names: readonly ProbeName[]) => void
  /** Where this node stands has been judged anew. */
  readonly onJudged: () => void
}

export class Registration {
  readonly #options: RegistrationOptions
  readonly #state: JoinState
  readonly #heartbeat: Heartbeat
  #wake = Promise.withResolvers<void>()
  #notebook: Notebook | undefined
  /** The run of the server in which the notebook was read, by its start. */
  #run: number | undefined
  #members: readonly Member[] = []
  #accepted: FindingCode | undefined
  #failures = 0
  #notedAt = 0
  #notBefore = 0
  /** When the last action ended; what was read before shows a state that is gone. */
  #actedAt = 0

  constructor(options: RegistrationOptions) {
    this.#options = options
    this.#heartbeat = new Heartbeat(options)
    this.#state = new JoinState(options.config.role === 'standalone', options.report)
  }

  /** Where this node stands; of a server that was restarted nobody has yet looked who it is. */
  get join(): Join {
    const { join } = this.#state
    const run = this.#options.readings.get('postgres.alive')?.value?.startedAt
    if (join.finding === 'off' || run === undefined || run === this.#run) return join
    return {
      ...join,
      finding: 'pending',
      reason: 'PostgreSQL was started anew and it is being checked who it is',
      action: '',
    }
  }

  /** Why this node has not joined; undefined when it has. */
  get finding(): Finding | undefined {
    return this.#state.finding
  }

  get members(): readonly Member[] {
    return this.#members
  }

  get notebook(): Notebook | undefined {
    return this.#notebook
  }

  /** Whether this node can write its own notebook. */
  get primary(): boolean {
    return this.#options.readings.get('postgres.alive')?.value?.inRecovery === false
  }

  /** Look again soon. */
  hint(): void {
    this.#wake.resolve()
  }

  /** The heartbeat is due now, because what it tells has changed. */
  tell(): void {
    this.#heartbeat.due()
    this.hint()
  }

  /** Somebody wrote into the notebook. */
  forgetNotebook(): void {
    this.#notebook = undefined
    this.hint()
  }

  /** Keeps this node joined until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, config, random } = this.#options
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers<void>()
      await this.#reconcile(signal)
      this.#options.onJudged()
      const pause = this.#failures > 0 ? delayOf(this.#failures, retry, random) : config.registrationInterval
      const stop = new AbortController()
      await Promise.race([this.#wake.promise, clock.sleep(pause, AbortSignal.any([signal, stop.signal]))])
      stop.abort()
    }
  }

  /** A person says that what is refused is right; undefined when nothing is. @throws when notebook or ledger cannot be written. */
  async accept(signal: AbortSignal): Promise<Finding | undefined> {
    const accepted = this.#state.finding
    if (accepted?.kind !== 'refuse') return undefined
    const { config, local, ledger, report, look } = this.#options
    await forgetVerification(local.sql(this.#bounds(signal)))
    await acceptMember(ledger.sql(this.#bounds(signal)), config.node)
    this.#accepted = accepted.code
    this.#notBefore = 0
    this.forgetNotebook()
    report('join.accepted', { code: accepted.code, reason: accepted.reason })
    look('citus.nodes', 'citus.local', 'postgres.identity')
    return accepted
  }

  #bounds(signal: AbortSignal): Bounds {
    return { timeout: this.#options.config.statementTimeout, signal }
  }

  async #reconcile(signal: AbortSignal): Promise<void> {
    try {
      const facts = await this.#facts(signal)
      if (facts === undefined) return
      this.#members = facts.members
      const alone = await this.#options.alone()
      const decision = this.#allowed(decide(facts), alone)
      const trusted = decision.do !== 'stop' || decision.finding.kind === 'wait'
      // A second sidecar for this node keeps quiet: the first one speaks for it.
      if (alone)
        this.#members =
          (await this.#heartbeat.beat(facts.self, trusted, decision.do === 'act', signal)) ?? facts.members
      if (decision.do === 'act') return await this.#act(decision, facts, signal)
      this.#failures = 0
      if (decision.do === 'stop') return this.#state.stopped(decision.finding)
      await this.#verified(facts, decision.node, signal)
    } catch (error) {
      if (!signal.aborted && this.#state.join.finding !== 'off') this.#failed(error)
    }
  }

  /** All that deciding needs; undefined when a part is missing, which then is said. */
  async #facts(signal: AbortSignal): Promise<JoinFacts | undefined> {
    const { readings, config, local, ledger } = this.#options
    const run = readings.get('postgres.alive')?.value?.startedAt
    if (run === undefined) return undefined
    // A restarted server may be another one: everything known of it is read again.
    if (run !== this.#run) this.#notebook = undefined
    if (this.#notebook === undefined) {
      this.#notebook = await readNotebook(local.sql(this.#bounds(signal)))
      // A copied volume brings another node's verification along; a standby has that of its group.
      const own = this.#notebook.name === config.node || !this.primary
      this.#state.remember(own ? this.#notebook.verifiedAt : undefined)
    }
    if (config.role === 'standalone') return undefined
    const answer = localAnswer(readings, this.#actedAt)
    if ('missing' in answer) {
      if (answer.missing !== undefined)
        this.#state.stopped(finding('local-unknown', `this node cannot be asked about itself (${answer.missing})`))
      return undefined
    }
    const nodes = readings.get('citus.nodes')
    if (nodes === undefined || isOlder(nodes, this.#actedAt)) return undefined
    this.#run = run
    if (nodes.value === undefined) return this.#blind(nodes.error?.message ?? 'no answer')
    if (nodes.value.coordinator.inRecovery) this.#options.locator.forget()
    const sources = {
      self: selfOf(config, answer),
      notebook: this.#notebook,
      view: nodes.value,
      accepted: this.#accepted,
      local,
      ledger,
    }
    return await gatherFacts(sources, this.#bounds(signal))
  }

  /** A decision to act, unless something forbids acting. */
  #allowed(decision: Decision, alone: boolean): Decision {
    const stop = (found: Finding): Decision => ({ do: 'stop', finding: found })
    if (!alone) return stop(finding('another-sidecar', 'another sidecar serves this node'))
    if (decision.do !== 'act') return decision
    const { config, clock, nodeReport } = this.#options
    if (nodeReport().maintenance.on)
      return stop(finding('maintenance', `${decision.because}, and nothing is done in maintenance`))
    if (!config.register)
      return stop(finding('registration-off', `${decision.because}, and CITUS_SIDECAR_REGISTER is off`))
    const { finding: before } = this.#state
    return clock.now() < this.#notBefore && before !== undefined ? stop(before) : decision
  }

  async #act(decision: Act, facts: JoinFacts, signal: AbortSignal): Promise<void> {
    const { config, operation, ledger, report, look, clock } = this.#options
    if (decision.action === 'follow-promotion' && decision.node !== undefined) {
      const silence = await unfenced(decision.node, facts.self, config, ledger.sql(this.#bounds(signal)))
      if (silence !== undefined) return this.#state.stopped(finding('primary-restarts', silence))
    }
    this.#state.acting(finding('registration-waits', decision.because))
    const attempt = await runAction(
      decision.action,
      decision.because,
      { config, session: operation, report, member: config.node },
      signal,
    )
    this.#actedAt = clock.now()
    // Also after a failure: it may have been decided on an old view, because somebody else did the same meanwhile.
    look('citus.local', 'citus.nodes')
    this.#failures = attempt.ok ? 0 : this.#failures + 1
    if (attempt.ok) return
    if (attempt.retryable) return this.#state.acting(finding('registration-waits', attempt.reason))
    this.#notBefore = clock.now() + stoppedFor
    this.#state.stopped(finding('registration-failed', attempt.reason))
  }

  async #verified(
    facts: JoinFacts,
    node: Extract<Decision, { do: 'nothing' }>['node'],
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, readings, local, report } = this.#options
    const verifiedAt = readings.get('citus.nodes')?.takenAt ?? clock.now()
    this.#accepted = undefined
    this.#state.verified(node, verifiedAt, facts.self.role)
    if (facts.self.identity.inRecovery || node === undefined) return
    const { notebook } = facts
    const entry = verificationOf(facts, node, verifiedAt)
    const same =
      notebook.verifiedAt !== undefined &&
      notebook.nodeId === entry.nodeId &&
      notebook.timeline === entry.timeline &&
      notebook.name === entry.name
    if (same && clock.now() < this.#notedAt + noteEvery) return
    try {
      await writeVerification(local.sql(this.#bounds(signal)), entry)
      this.#notebook = { ...notebook, ...entry }
      this.#notedAt = clock.now()
      // The ledger learns the node id with the next heartbeat; the first one should not wait for it.
      if (!same) this.tell()
    } catch (error) {
      report('notebook.failed', { reason: reasonOf(error) })
    }
  }

  #failed(error: unknown): void {
    this.#failures += 1
    const found = findingOfError(error, this.#notebook === undefined)
    if (found === undefined) this.#blind(reasonOf(error))
    else this.#state.stopped(found)
  }

  #blind(why: string): undefined {
    this.#options.locator.forget()
    this.#state.blind(why)
  }
}

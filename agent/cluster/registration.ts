// Keeps this node joined: whenever something may have changed it reads what is, decides, acts once, and is woken again by what
// comes of it. Nothing here remembers a step it has to finish; a lost wake-up costs one interval.
import type { Join } from '../../probes/verdicts/verdict.ts'
import { reasonOf } from '../errors.ts'
import { ChildSignal } from '../loop/child-signal.ts'
import type { Bounds } from '../pg/session.ts'
import { forgetRefused } from './acceptance.ts'
import { Acting } from './acting.ts'
import { Attempts } from './attempts.ts'
import { decide } from './decide.ts'
import type { Decision } from './decide.ts'
import type { JoinFacts } from './facts.ts'
import { unfenced } from './fencing.ts'
import { finding, findingOfError } from './findings.ts'
import type { Finding, FindingCode } from './findings.ts'
import { gatherFacts, isOlder, localAnswer, selfOf } from './gather.ts'
import { Heartbeat } from './heartbeat.ts'
import { JoinState } from './join-state.ts'
import type { Member } from './ledger.ts'
import type { Notebook } from './notebook.ts'
import { NotebookKeeper } from './notebook-keeper.ts'
import { Interrupted } from './operation.ts'
import { permit } from './permission.ts'
import type { RegistrationOptions } from './registration-options.ts'

type Act = Extract<Decision, { do: 'act' }>

export class Registration {
  readonly #options: RegistrationOptions
  readonly #state: JoinState
  readonly #heartbeat: Heartbeat
  readonly #notebook: NotebookKeeper
  readonly #attempts: Attempts
  readonly #acting: Acting
  #wake = Promise.withResolvers<void>()
  /** The run of the server that was last judged, by its start. */
  #run: number | undefined
  #members: readonly Member[] = []
  #accepted: FindingCode | undefined
  /** Row of this node while it is a standby: its notebook is its primary's and says nothing of it. */
  #secondary: number | undefined
  /** What was read before this moment shows a state that is gone, or may. */
  #since = 0
  /** A refusal that only one look at everything has shown so far. */
  #suspected: FindingCode | undefined

  constructor(options: RegistrationOptions) {
    this.#options = options
    this.#heartbeat = new Heartbeat(options)
    this.#notebook = new NotebookKeeper(options)
    this.#attempts = new Attempts(options.clock, options.random)
    this.#acting = new Acting(options.draining)
    this.#state = new JoinState(options.config.role === 'standalone', options.report)
  }

  /** Where this node stands; of a server that was restarted nobody has yet looked who it is, so it is not what that was. */
  get join(): Join {
    const { join } = this.#state
    const run = this.#running
    const good = join.finding === 'verified' || join.finding === 'blind'
    if (!good || run === undefined || run === this.#run) return join
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
    return this.#notebook.current
  }

  /** Node id under which the coordinator knows this node; undefined when it does not, or nobody has said. */
  get nodeId(): number | undefined {
    return this.primary ? this.#notebook.current?.nodeId : this.#secondary
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
    this.#acting.look()
    this.#heartbeat.due()
    this.hint()
  }

  /** Somebody wrote into the notebook. */
  forgetNotebook(): void {
    this.#notebook.forget()
    this.hint()
  }

  /** Keeps this node joined until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, config } = this.#options
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers<void>()
      await this.#reconcile(signal)
      this.#options.onJudged()
      const pause = this.#attempts.pause(config.registrationInterval)
      using stop = new ChildSignal(signal)
      await Promise.race([this.#wake.promise, clock.sleep(pause, stop.signal)])
      stop.abort()
    }
  }

  /** A person says that what is refused is right; undefined when nothing is. @throws when notebook or ledger cannot be written, CONTROL_REFUSED when another member with this identity is alive. */
  async accept(signal: AbortSignal): Promise<Finding | undefined> {
    const accepted = this.#state.finding
    if (accepted?.kind !== 'refuse') return undefined
    const { config, local, ledger, report, look, readings } = this.#options
    const { code } = accepted
    const identity = this.primary ? readings.get('postgres.identity')?.lastGood?.value : undefined
    const bounds = this.#bounds(signal)
    await forgetRefused({ code, member: config.node, identity }, local.sql(bounds), ledger.sql(bounds))
    this.#accepted = accepted.code
    this.#secondary = undefined
    this.#attempts.succeeded()
    this.forgetNotebook()
    report('join.accepted', { code: accepted.code, reason: accepted.reason })
    look('citus.nodes', 'citus.local', 'postgres.identity')
    return accepted
  }

  /** The run of the server that is up now, by its start. */
  get #running(): number | undefined {
    return this.#options.readings.get('postgres.alive')?.value?.startedAt
  }

  #bounds(signal: AbortSignal): Bounds {
    return { timeout: this.#options.config.statementTimeout, signal }
  }

  async #reconcile(signal: AbortSignal): Promise<void> {
    try {
      // What the others wait to hear does not wait for a server that may hang.
      if (!this.#options.nodeReport().ready) await this.#heartbeat.goOn(signal)
      const facts = await this.#facts(signal)
      if (facts === undefined) return
      this.#members = facts.members
      const alone = await this.#options.alone()
      const { config, nodeReport } = this.#options
      const { stopped } = this.#attempts
      const maintenance = nodeReport().maintenance.on
      const draining = this.#options.draining()
      const decision = permit(decide(facts), { alone, draining, maintenance, register: config.register, stopped })
      if (this.#suspects(decision)) return
      this.#run = facts.self.identity.startedAt
      const standing = decision.do === 'stop' && decision.finding.kind === 'refuse' ? 'refused' : 'trusted'
      // A second sidecar for this node keeps quiet: the first one speaks for it.
      if (!alone) this.#heartbeat.cease()
      else
        this.#members =
          (await this.#heartbeat.beat(facts.self, standing, decision.do === 'act', signal)) ?? facts.members
      if (decision.do === 'act') return await this.#act(decision, facts, signal)
      // What was only put off is still to be done: its failures count on.
      if (decision.do === 'nothing' || decision.finding !== stopped) this.#attempts.idle()
      if (decision.do === 'stop') return this.#state.stopped(decision.finding)
      await this.#verified(facts, decision.node, signal)
    } catch (error) {
      if (!signal.aborted && this.#state.join.finding !== 'off') this.#failed(error)
    }
  }

  /** All that deciding needs; undefined when a part is missing, which then is said. */
  async #facts(signal: AbortSignal): Promise<JoinFacts | undefined> {
    const { readings, config, local, ledger, hearMaintenance } = this.#options
    const run = this.#running
    if (run === undefined) return undefined
    // A restarted server may be another one: everything known of it is read again.
    const known = run === this.#run ? this.#notebook.current : undefined
    const notebook = known ?? (await this.#notebook.read(this.#bounds(signal)))
    if (known === undefined) {
      // A copied volume brings another node's verification along; a standby has that of its group.
      const own = notebook.name === config.node || !this.primary
      this.#state.remember(own ? notebook.verifiedAt : undefined)
      // Another node's switch, a standby's primary's too, is not this one's.
      if (this.primary && (notebook.name ?? config.node) === config.node) await hearMaintenance(notebook.maintenance)
    }
    if (config.role === 'standalone') return undefined
    const answer = localAnswer(readings, this.#since)
    if ('missing' in answer) return answer.missing === undefined ? undefined : this.#silentHere(answer.missing)
    const nodes = readings.get('citus.nodes')
    if (nodes === undefined || isOlder(nodes, this.#since)) return undefined
    if (nodes.value === undefined) return this.#blind(nodes.error?.message ?? 'no answer')
    if (nodes.value.coordinator.inRecovery) this.#options.locator.forget()
    const sources = {
      self: selfOf(config, answer),
      notebook,
      view: nodes.value,
      accepted: this.#accepted,
      local,
      ledger,
    }
    const facts = await gatherFacts(sources, this.#bounds(signal))
    await hearMaintenance(facts.members.find(({ name }) => name === config.node)?.maintenance)
    return facts
  }

  /** Readings of different moments can contradict each other: a refusal is said once newer readings show the same. */
  #suspects(decision: Decision): boolean {
    const refused = decision.do === 'stop' && decision.finding.kind === 'refuse' ? decision.finding.code : undefined
    const suspected = refused === this.#suspected || refused === this.#state.finding?.code ? undefined : refused
    this.#suspected = suspected
    if (suspected !== undefined) this.#lookAtAll()
    return suspected !== undefined
  }

  #lookAtAll(): void {
    this.#since = this.#options.clock.now()
    this.#options.look('postgres.identity', 'citus.local', 'citus.nodes')
  }

  async #act(decision: Act, facts: JoinFacts, signal: AbortSignal): Promise<void> {
    const { config, operation, ledger, report } = this.#options
    if (decision.action === 'follow-promotion' && decision.node !== undefined) {
      const silence = await unfenced(decision.node, facts.self, config, ledger.sql(this.#bounds(signal)))
      if (silence !== undefined) return this.#state.stopped(finding('primary-restarts', silence))
    }
    this.#state.acting(finding('registration-waits', decision.because))
    const how = { config, session: operation, report, member: config.node }
    const attempt = await this.#acting.run(decision.action, decision.because, how, signal)
    // Also after a failure: it may have been decided on an old view, because somebody else did the same meanwhile.
    this.#lookAtAll()
    if (attempt instanceof Interrupted) return this.#state.stopped(finding('draining', attempt.message))
    if (attempt.ok) return this.#attempts.succeeded()
    // What is read anew wakes this up at once; the next attempt waits its time all the same.
    const found = finding(attempt.retryable ? 'registration-waits' : 'registration-failed', attempt.reason)
    if (attempt.retryable) {
      this.#attempts.failed(found)
      return this.#state.acting(found)
    }
    this.#attempts.gaveUp(found)
    this.#state.stopped(found)
  }

  async #verified(
    facts: JoinFacts,
    node: Extract<Decision, { do: 'nothing' }>['node'],
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, readings } = this.#options
    const verifiedAt = readings.get('citus.nodes')?.takenAt ?? clock.now()
    this.#accepted = undefined
    this.#state.verified(node, verifiedAt, facts.self.role)
    if (facts.self.identity.inRecovery) {
      const isOther = this.#secondary !== node?.nodeId
      this.#secondary = node?.nodeId
      return isOther ? this.tell() : undefined
    }
    // Nor is anything written where the last checkpoint may have passed already.
    if (node === undefined || this.#options.draining() !== undefined) return
    const isNew = await this.#notebook.note(facts, node, verifiedAt, this.#bounds(signal))
    // The ledger learns the node id with the next heartbeat; the first one should not wait for it.
    if (isNew) this.tell()
  }

  #failed(error: unknown): void {
    this.#attempts.unanswered()
    const here = this.#notebook.current === undefined
    const found = findingOfError(error, here)
    if (found !== undefined) return this.#state.stopped(found)
    if (here) this.#silentHere(reasonOf(error))
    else this.#blind(reasonOf(error))
  }

  /** What was judged in this run of the server stays: one question without an answer is no news of who it is. */
  #silentHere(why: string): undefined {
    if (this.#running !== this.#run)
      this.#state.stopped(finding('local-unknown', `this node cannot be asked about itself (${why})`))
  }

  #blind(why: string): undefined {
    this.#options.locator.forget()
    this.#run = this.#running
    this.#state.blind(finding('coordinator-unreachable', why))
  }
}

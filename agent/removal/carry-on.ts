// One step of a removal: what is next is read off the catalogs, done once, and what came of it is said.
import { readMembers } from '../cluster/ledger.ts'
import type { Sql } from '../../probes/sql.ts'
import { nextStep } from './next-step.ts'
import type { RemovalOutcome, Standing, Step } from './next-step.ts'
import { planRemoval, refusalLines } from './plan.ts'
import type { Progress, ProgressMeter } from './progress.ts'
import { readBytes, removalCalls, unsettled } from './removal-ledger.ts'
import type { Removal } from './removal-ledger.ts'
import { judgeSettling } from './settled.ts'
import type { Settling } from './settled.ts'
import { readRemovalNodes, readSurvey } from './survey.ts'

/** What a step needs. */
export interface RemovalTools {
  /** For what takes long. */
  readonly long: Sql
  /** Waits for the turn at changing metadata; it ends with the step. */
  readonly turn: () => Promise<void>
  readonly meter: ProgressMeter
  readonly now: () => number
  /** The removal enters a phase. */
  readonly enter: (phase: string) => Promise<void>
}

/** What came of a step. */
export interface StepResult {
  readonly phase: string
  readonly reason: string
  readonly progress?: Progress
  readonly outcome?: RemovalOutcome
  /** The reason is that something failed. */
  readonly trouble?: boolean
  /** Whether another step may follow at once. */
  readonly again: boolean
}

type Found = Omit<StepResult, 'phase'> & Partial<Pick<StepResult, 'phase'>>

interface Work {
  readonly removal: Removal
  readonly tools: RemovalTools
  readonly settling: Settling | undefined
}

/** Does what is next for a removal. @throws as the calls do; it can be done again then. */
export async function carryOn(removal: Removal, tools: RemovalTools): Promise<StepResult> {
  let settling: Settling | undefined
  let step = nextStep(standingOf(removal, settling))
  const phase = phaseOf(removal, step)
  const entered = phase !== removal.phase
  if (entered) await tools.enter(phase)
  if (step.do === 'settle') {
    const prepared = await unsettled(tools.long, removal.id)
    settling = judgeSettling(prepared, { ...removal, phaseMs: entered ? 0 : removal.phaseMs })
    step = nextStep(standingOf(removal, settling))
  }
  const last = step.do === 'drop' ? 'remove' : phase
  if (last !== phase) await tools.enter(last)
  return { phase: last, ...(await does[step.do]({ removal, tools, settling }, step)) }
}

/** How a removal stands, for the decision. */
function standingOf(removal: Removal, settling: Settling | undefined): Standing {
  const { cancelled, hadShards, node, shards, job, otherJob, starts } = removal
  return {
    cancelled,
    hadShards: hadShards ?? undefined,
    node: node ?? undefined,
    shards,
    job,
    otherJob,
    starts,
    settled: settling?.settled,
    late: settling?.late === true,
  }
}

const phases: Readonly<Record<Step['do'], string | undefined>> = {
  check: 'check',
  'shards-off': 'shards-off',
  start: 'move',
  watch: 'move',
  settle: 'settle',
  drop: 'remove',
  stop: 'undo',
  'shards-on': 'undo',
  wait: undefined,
  end: undefined,
}

function phaseOf(removal: Removal, step: Step): string {
  if (removal.node === null) return 'confirm'
  return phases[step.do] ?? removal.phase
}

const does: Readonly<Record<Step['do'], (work: Work, step: Step) => Promise<Found>>> = {
  check,
  'shards-off': call('shards-off', true),
  start: async (work) => {
    // What there is to move is measured before anything of it has gone.
    const progress = await look(work)
    return { ...(await call('start', true)(work)), progress }
  },
  watch: async (work) => {
    const { trouble } = work.removal
    return { reason: trouble ?? '', trouble: trouble !== null, progress: await look(work), again: false }
  },
  settle: async ({ settling }) => await waits(settling?.why ?? ''),
  wait: async ({ settling }, step) => await waits('why' in step && step.why !== '' ? step.why : (settling?.why ?? '')),
  drop: call('drop', true),
  stop: call('stop', false),
  'shards-on': call('shards-on', true),
  end,
}

async function waits(reason: string): Promise<Found> {
  return await Promise.resolve({ reason, again: false })
}

function call(name: keyof typeof removalCalls, again: boolean): (work: Work) => Promise<Found> {
  return async ({ removal, tools }) => {
    await tools.turn()
    await tools.long.query(removalCalls[name], [removal.id])
    return { reason: '', again }
  }
}

/** Refuses what the plan refuses, or begins. */
async function check(work: Work): Promise<Found> {
  const { removal, tools } = work
  const node = (await readRemovalNodes(tools.long)).find(({ nodeId }) => nodeId === removal.nodeId)
  if (node === undefined) return { reason: '', again: true }
  const members = await readMembers(tools.long)
  const member = members.find(({ name }) => name === removal.member)
  const target = { name: removal.member, node, member }
  const { transferMode, allowGap } = removal
  const plan = planRemoval({ target, survey: await readSurvey(tools.long, node), members, transferMode, allowGap })
  if (plan.refusals.length > 0)
    return { reason: refusalLines(plan.refusals).join('\n'), outcome: 'refused', again: false }
  await tools.enter('shards-off')
  return { ...(await call('shards-off', true)(work)), phase: 'shards-off' }
}

async function look({ removal, tools }: Work): Promise<Progress> {
  // How far it is does not decide anything: a node that does not say is asked again at the next look.
  const bytes = await readBytes(tools.long, removal).catch(() => undefined)
  const leftBytes = bytes === undefined ? undefined : Math.max(0, bytes.left - bytes.copied)
  return tools.meter.take(
    { at: tools.now(), leftShards: removal.shards, leftBytes, moving: bytes?.now ?? '' },
    removal.progress,
  )
}

async function end({ removal, settling }: Work, step: Step): Promise<Found> {
  const { outcome, why } = step.do === 'end' ? step : { outcome: 'failed' as const, why: '' }
  const trouble = outcome === 'failed' && removal.shards > 0 ? (removal.trouble ?? '') : ''
  const reason = [why, trouble, settling?.why ?? ''].filter((text) => text !== '').join(': ')
  return await Promise.resolve({ reason, outcome, again: false })
}

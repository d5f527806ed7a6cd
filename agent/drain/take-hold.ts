// Phase hold: ask for the hold in the ledger, wait for its turn and for every holder's answer.
import { isRetryable } from '../cluster/operation.ts'
import { reasonOf, sqlstate } from '../errors.ts'
import { lastHolder, livePoolers, readHold, requestHold } from '../hold/hold-ledger.ts'
import type { Hold, HoldKind } from '../hold/hold-ledger.ts'
import { currentTraceparent } from '../tracing/traceparent.ts'
import { LeftUndone, orLeave, until } from './step.ts'
import type { Step, StepContext } from './step.ts'

const pause = 50
/** The part of the lease in which answers are waited for: the rest must last for the restart. Holders try on until its end. */
const waitedFor = 1 / 3

/** Holders that are expected to answer, as `kind holder`; there is one of kind node, whatever its name. */
function expected(kinds: readonly HoldKind[], poolers: readonly string[]): readonly string[] {
  const node = kinds.includes('node') ? ['node'] : []
  return [...(kinds.includes('pool') ? poolers.map((name) => `pool ${name}`) : []), ...node]
}

function answered(hold: Hold): ReadonlySet<string> {
  return new Set(hold.answers.map(({ kind, holder }) => (kind === 'node' ? 'node' : `pool ${holder}`)))
}

function kindsFor(context: StepContext, poolers: readonly string[]): readonly HoldKind[] {
  const { hold } = context.config
  const pool = (hold === 'pool' || hold === 'auto') && poolers.length > 0
  const node = (hold === 'node' || hold === 'auto') && context.kind === 'worker'
  return [...(pool ? (['pool'] as const) : []), ...(node ? (['node'] as const) : [])]
}

async function ask(context: StepContext, kinds: readonly HoldKind[], signal: AbortSignal): Promise<Hold> {
  const { ledger, clock, id, config } = context
  let why = 'the ledger did not answer'
  const request = async (): Promise<Hold | undefined> => {
    try {
      const traceparent = currentTraceparent()
      const trace = traceparent === undefined ? {} : { traceparent }
      return await requestHold(ledger, { id, member: config.node, kinds, seconds: config.holdMax / 1000, ...trace })
    } catch (error) {
      if (!signal.aborted) why = reasonOf(error)
      // 55006: another node holds the traffic; this one waits its turn.
      if (sqlstate(error) === '55006' || isRetryable(error)) return undefined
      throw error
    }
  }
  return await orLeave(
    () => `no hold was granted in time: ${why}`,
    signal,
    async () => await until(request, pause * 4, clock, signal),
  )
}

export const takeHold: Step = async (context, signal) => {
  const { ledger, clock, id, config } = context
  const poolers = await livePoolers(ledger, config.poolerForgottenAfter)
  const kinds = kindsFor(context, poolers)
  if (kinds.length === 0) return 'nothing can hold traffic for this node: no pooler is registered'
  let hold = await ask(context, kinds, signal)
  // Asked for before by a sidecar that was restarted since, and over: nothing extends it.
  if (!hold.open) throw new LeftUndone('the hold had ended before it was answered')
  context.keepHold(hold)
  const awaited = expected(hold.kinds, poolers)
  const silent = (): readonly string[] => awaited.filter((one) => !answered(hold).has(one))
  let heldSince: number | undefined
  const giveUpAt = clock.now() + hold.leftMs * waitedFor
  try {
    await until(
      async () => {
        hold = (await readHold(ledger, id)) ?? hold
        context.keepHold(hold)
        if (hold.answers.some(({ state }) => state === 'held')) heldSince ??= clock.now()
        const enough = heldSince !== undefined && clock.now() - heldSince > lastHolder
        return enough || clock.now() > giveUpAt || silent().length === 0 ? true : undefined
      },
      pause,
      clock,
      signal,
    )
  } catch (error) {
    if (!signal.aborted) throw error
  }
  const bad = [
    ...hold.answers
      .filter(({ state }) => state !== 'held')
      .map(({ kind, holder, reason }) => `${kind} hold by ${holder}: ${reason}`),
    ...silent().map((one) => `no answer in time to the hold: ${one}`),
  ]
  if (bad.length > 0) throw new LeftUndone(bad.join('; '))
  return `held by ${awaited.join(', ')}`
}

// citus-sidecar drain: lets this node leave, or brings it back; what the preStop script asks for, for people.
import { setTimeout as sleep } from 'node:timers/promises'
import { loadConfig } from '../config.ts'
import type { Config } from '../config.ts'
import { askSidecar } from '../control-client.ts'
import { SidecarError } from '../errors.ts'
import type { ExitCode } from '../errors.ts'
import type { DrainPlan, DrainView, PhasePlan } from '../drain/view.ts'
import { parseArguments } from './arguments.ts'
import type { Command, CommandContext } from './command.ts'
import { DrainProgress } from './drain-progress.ts'

/** How often the drain is looked at, milliseconds. */
const lookEvery = 250
/** A restarted sidecar goes on with its drain: it is waited for so long, milliseconds. */
const restartPatience = 20_000

export const drain: Command = {
  name: 'drain',
  summary: 'let this node leave: hold traffic, finish what runs, make all durable; PostgreSQL may be stopped after it',
  usage: `citus-sidecar drain [--cancel | --plan] [--json]

Begins a drain, or joins the one that is going on, and shows its phases until it has ended. Interrupting the command does not end the drain.

  --cancel  end the drain and bring the node back
  --plan    print phases, budgets and how long each would take now; nothing is done
  --json    print the outcome (or the plan) as JSON`,
  run: async (context) => {
    const { values } = parseArguments(
      context.args,
      { cancel: { type: 'boolean' }, plan: { type: 'boolean' }, json: { type: 'boolean' } },
      { most: 0 },
    )
    const config = loadConfig(context.env, context.hostname)
    const json = values.json === true
    if (values.cancel === true && values.plan === true)
      throw new SidecarError('USAGE', '--cancel and --plan do not go together; allowed: one of them')
    if (values.plan === true) return await plan(context, config, json)
    if (values.cancel === true) return await cancel(context, config, json)
    return await watch(context, config, json)
  },
}

async function plan(context: CommandContext, config: Config, json: boolean): Promise<ExitCode> {
  const found = await askSidecar<DrainPlan>(config, 'GET', '/v1/drain/plan')
  context.stdout.write(json ? `${JSON.stringify(found, undefined, 2)}\n` : planText(found))
  return 0
}

/** The plan as a table for people. */
export function planText({ graceSeconds, graceFrom, reserveSeconds, phases, etaMs, warnings }: DrainPlan): string {
  const time = (ms: number | null): string => (ms === null ? 'unknown' : `${(ms / 1_000).toFixed(1)} s`)
  const rows = [
    ['PHASE', 'BUDGET', 'NOW', ''],
    ...phases.map((one) => [one.name, time(one.budgetMs), time(one.etaMs), said(one)]),
  ]
  const table = rows.map(([name = '', budget = '', eta = '', how = '']) =>
    `${name.padEnd(10)}${budget.padEnd(10)}${eta.padEnd(10)}${how}`.trimEnd(),
  )
  const by = graceFrom === 'pod' ? 'the pod' : 'CITUS_SIDECAR_GRACE_PERIOD'
  const total = `about ${time(etaMs)} in all; grace period ${graceSeconds} s by ${by}, of which ${reserveSeconds} s are left to PostgreSQL's own stop`
  return [...table, total, ...warnings.map((warning) => `warning: ${warning}`), ''].join('\n')
}

function said({ from, because }: PhasePlan): string {
  return from === null ? '' : `${from}${because === '' ? '' : `: ${because}`}`
}

async function cancel(context: CommandContext, config: Config, json: boolean): Promise<ExitCode> {
  const view = await askSidecar<DrainView>(config, 'POST', '/v1/drain/cancel')
  context.stdout.write(json ? `${JSON.stringify(view)}\n` : `cancelled: ${config.node} comes back\n`)
  return 0
}

async function watch(context: CommandContext, config: Config, json: boolean): Promise<ExitCode> {
  const { stop, stdout, stderr } = context
  const progress = json ? undefined : new DrainProgress(stdout)
  let view = await askSidecar<DrainView>(config, 'POST', '/v1/drain')
  const { id } = view
  while (view.end === undefined && !stop.aborted) {
    progress?.show(view)
    await sleep(lookEvery, undefined, { signal: stop }).catch(() => undefined)
    const next = await look(config, stop)
    if (next !== null && next.id !== id) {
      progress?.finish()
      return undone(context, 'another drain runs instead of the one that was watched')
    }
    // A sidecar that forgot it (its volume was full) is asked again.
    view = next ?? (await askSidecar<DrainView>(config, 'POST', '/v1/drain'))
  }
  progress?.show(view)
  progress?.finish()
  if (view.end === undefined) {
    stderr.write('citus-sidecar: the drain goes on; `citus-sidecar drain --cancel` brings the node back\n')
    return 1
  }
  if (json) stdout.write(`${JSON.stringify(view)}\n`)
  if (!view.end.ok) return undone(context, view.end.reason)
  if (!json) stdout.write('done, PostgreSQL may be stopped\n')
  return 0
}

function undone({ stderr }: CommandContext, reason: string): ExitCode {
  stderr.write(`citus-sidecar: ${reason}\n`)
  return 1
}

async function look(config: Config, stop: AbortSignal): Promise<DrainView | null> {
  const until = performance.now() + restartPatience
  for (;;) {
    try {
      return await askSidecar<DrainView | null>(config, 'GET', '/v1/drain')
    } catch (error) {
      const restarts = error instanceof SidecarError && error.code === 'NO_SIDECAR'
      if (!restarts || stop.aborted || performance.now() > until) throw error
      await sleep(lookEvery, undefined, { signal: stop }).catch(() => undefined)
    }
  }
}

// citus-sidecar remove: takes a worker out of the cluster without losing a shard. The command asks for it in the ledger and watches; the
// coordinator's sidecar does it, so that it works from every pod and while the node itself is dead.
import { randomUUID } from 'node:crypto'
import { CoordinatorLocator } from '../cluster/coordinator.ts'
import { readMembers } from '../cluster/ledger.ts'
import { beLong } from '../cluster/turn.ts'
import { loadConfig } from '../config.ts'
import type { Config } from '../config.ts'
import { reasonOf, SidecarError, sqlstate } from '../errors.ts'
import type { ExitCode } from '../errors.ts'
import { systemClock } from '../loop/clock.ts'
import { Session } from '../pg/session.ts'
import { planRemoval, planText, refusalLines } from '../removal/plan.ts'
import type { Refusal } from '../removal/refusals.ts'
import { cancelRemoval, lastRemoval, requestRemoval } from '../removal/removal-ledger.ts'
import { transferModes } from '../removal/rules.ts'
import type { TransferMode } from '../removal/rules.ts'
import { readRemovalNodes, readSurvey } from '../removal/survey.ts'
import { targetOf } from '../removal/target.ts'
import type { Target } from '../removal/target.ts'
import type { Sql } from '../../probes/sql.ts'
import { parseArguments } from './arguments.ts'
import type { Command, CommandContext } from './command.ts'
import { watchRemoval } from './watch-removal.ts'

/** What was asked, and the coordinator to ask it of. */
interface Asked {
  readonly context: CommandContext
  readonly sql: Sql
  readonly name: string
  readonly json: boolean
  readonly allowGap: boolean
  readonly transferMode: TransferMode
}

export const remove: Command = {
  name: 'remove',
  summary: 'take a worker out of the cluster: its shards are moved away first; replicas may be lowered after it',
  usage: `citus-sidecar remove [NODE] [--plan | --cancel] [--allow-gap] [--transfer-mode MODE] [--json]

Removes NODE, a name from \`citus-sidecar status\` or host:port; this node where none is named. From any pod: the coordinator's sidecar does it.
Begins the removal, or joins the one that is going on, and shows it until it has ended. Interrupting the command does not end the removal.

  --plan                print what would be done and what speaks against it; nothing is touched
  --cancel              stop the removal and let shards come to the node again; what was moved stays moved
  --allow-gap           also where a higher ordinal of the same StatefulSet is still there
  --transfer-mode MODE  how shards are moved: auto (default), force_logical, block_writes
  --json                print plan or outcome as JSON`,
  run: async (context) => {
    const { values, positionals } = parseArguments(
      context.args,
      {
        plan: { type: 'boolean' },
        cancel: { type: 'boolean' },
        'allow-gap': { type: 'boolean' },
        'transfer-mode': { type: 'string' },
        json: { type: 'boolean' },
      },
      { most: 1 },
    )
    const config = loadConfig(context.env, context.hostname)
    if (values.plan === true && values.cancel === true)
      throw new SidecarError('USAGE', '--plan and --cancel do not go together; allowed: one of them')
    const transferMode = modeOf(values['transfer-mode'] ?? 'auto')
    const name = nodeOf(positionals[0], config)
    const locator = new CoordinatorLocator(config, systemClock)
    await using session = new Session(config, {
      target: async (signal) => await locator.target('remove-command', signal),
    })
    const sql = session.sql({ timeout: config.registrationTimeout, signal: context.stop })
    const asked = {
      context,
      sql,
      name,
      transferMode,
      json: values.json === true,
      allowGap: values['allow-gap'] === true,
    }
    try {
      await beLong(sql, config)
      if (values.plan === true) return await plan(asked)
      const wanted = values.cancel === true ? 'cancelled' : 'succeeded'
      const id = values.cancel === true ? await cancel(asked) : await request(asked)
      return typeof id === 'string'
        ? await watchRemoval({ context, config, locator, id, wanted, json: asked.json })
        : id
    } catch (error) {
      // Undefined table, schema or function: a ledger of an earlier version.
      if (!['42P01', '3F000', '42883'].includes(sqlstate(error) ?? '')) throw error
      throw new Error(
        `the ledger knows no removals (${reasonOf(error)}); run \`citus-sidecar bootstrap\` of this version on the coordinator`,
        { cause: error },
      )
    }
  },
}

function modeOf(given: string): TransferMode {
  const mode = transferModes.find((one) => one === given)
  if (mode !== undefined) return mode
  throw new SidecarError('USAGE', `--transfer-mode: "${given}" is not accepted; allowed: ${transferModes.join(', ')}`)
}

function nodeOf(given: string | undefined, config: Config): string {
  if (config.role === 'standalone') throw new SidecarError('USAGE', 'role standalone belongs to no cluster')
  if (given === undefined && config.role === 'pooler')
    throw new SidecarError('USAGE', 'a pooler is no node; name the node that is to be removed')
  return given ?? config.node
}

async function targetFor({ name, sql }: Asked): Promise<Target | { readonly refused: Refusal }> {
  return targetOf(name, await readMembers(sql), await readRemovalNodes(sql))
}

/** Prints why nothing is done. */
function refused({ context, json }: Asked, refusals: readonly Refusal[]): ExitCode {
  if (json) context.stdout.write(`${JSON.stringify({ refusals })}\n`)
  else context.stderr.write(`${refusalLines(refusals).join('\n')}\n`)
  return 3
}

async function plan(asked: Asked): Promise<ExitCode> {
  const { context, sql, json, transferMode, allowGap } = asked
  const target = await targetFor(asked)
  if ('refused' in target) return refused(asked, [target.refused])
  const members = await readMembers(sql)
  const found = planRemoval({ target, survey: await readSurvey(sql, target.node), members, transferMode, allowGap })
  context.stdout.write(json ? `${JSON.stringify(found, undefined, 2)}\n` : planText(found))
  return found.refusals.length === 0 ? 0 : 3
}

/** The id of the removal, or how the command ends without one. */
async function request(asked: Asked): Promise<string | ExitCode> {
  const { context, sql, name, json, transferMode, allowGap } = asked
  const target = await targetFor(asked)
  if ('refused' in target) {
    const last = await lastRemoval(sql, name)
    if (target.refused.code !== 'not-registered' || last?.outcome !== 'succeeded')
      return refused(asked, [target.refused])
    context.stdout.write(json ? `${JSON.stringify(last)}\n` : `${name} is removed already: replicas may be lowered\n`)
    return 0
  }
  const survey = await readSurvey(sql, target.node)
  const goesOn = survey.removal?.nodeId === target.node.nodeId
  const { refusals } = planRemoval({ target, survey, members: await readMembers(sql), transferMode, allowGap })
  if (!goesOn && refusals.length > 0) return refused(asked, refusals)
  const { nodeId: node_id } = target.node
  return await requestRemoval(sql, {
    id: randomUUID(),
    member: target.name,
    node_id,
    transfer_mode: transferMode,
    allow_gap: allowGap,
  })
}

async function cancel(asked: Asked): Promise<string | ExitCode> {
  const target = await targetFor(asked)
  if ('refused' in target) return refused(asked, [target.refused])
  const id = await cancelRemoval(asked.sql, target.node.nodeId)
  if (id !== undefined) return id
  asked.context.stdout.write(asked.json ? 'null\n' : `no removal of ${target.name} is going on\n`)
  return 0
}

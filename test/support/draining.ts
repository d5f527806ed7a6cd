// What tests of draining ask again and again of a node's control socket.
import assert from 'node:assert/strict'
import type { DrainView } from '../../agent/drain/view.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { quick } from './joining.ts'

/** Settings for a drain whose time is up only when a test says so: each phase ends by what it waits for. */
export const unhurried = {
  ...quick,
  CITUS_SIDECAR_HOLD: 'node',
  CITUS_SIDECAR_UNREADY_WAIT: '0ms',
  CITUS_SIDECAR_GRACE_PERIOD: '1h',
} as const

/** Begins a drain, or joins the one that goes on. */
export async function beginDrain(node: LocalNode): Promise<DrainView> {
  const answer = await node.sidecar.control('POST', '/v1/drain')
  assert.equal(answer.status, 200, answer.body)
  return JSON.parse(answer.body) as DrainView
}

/** Brings the node back; of no consequence when no drain goes on. */
export async function cancelDrain(node: LocalNode): Promise<void> {
  const { status, body } = await node.sidecar.control('POST', '/v1/drain/cancel')
  assert.ok(status === 200 || status === 409, body)
}

/** The drain as it stands. */
export async function drainView(node: LocalNode): Promise<DrainView | null> {
  return JSON.parse((await node.sidecar.control('GET', '/v1/drain')).body) as DrainView | null
}

/** Waits until PostgreSQL may be stopped, or never need be. */
export async function drained(node: LocalNode): Promise<DrainView> {
  return await eventually(
    `${node.name} is drained`,
    async () => {
      const now = await drainView(node)
      return now?.end === undefined ? undefined : now
    },
    { deadline: 60_000 },
  )
}

/** Drains a node with nothing left undone; returns the drain's id. */
export async function drainWhole(node: LocalNode): Promise<string> {
  await beginDrain(node)
  const { id, end } = await drained(node)
  assert.deepEqual(end, { ok: true, reason: '' })
  return id
}

/** Waits until a phase runs. */
export async function inPhase(node: LocalNode, phase: string): Promise<void> {
  await eventually(`${node.name} is in phase ${phase}`, async () =>
    (await drainView(node))?.phases.some(({ name, state }) => name === phase && state === 'running'),
  )
}

/** Every phase with its state; a failed one with its reason. */
export function phasesOf({ phases }: DrainView): Readonly<Record<string, string>> {
  return Object.fromEntries(
    phases.map(({ name, state, reason }) => [name, state === 'failed' ? `failed: ${reason}` : state]),
  )
}

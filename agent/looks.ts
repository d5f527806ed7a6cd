// Which probes run at once where something happened to the server, instead of in their turn.
import type { FamilySpec } from '../probes/collection.ts'
import type { ProbeName } from '../probes/probe.ts'

/** A session ended: the server may be gone, and may come back as another one. */
export const whenClosed = [
  'postgres.alive',
  'postgres.connect',
  'postgres.identity',
  'citus.local',
  'citus.versions',
] as const satisfies readonly ProbeName[]

/** It is up again, or up as another server: everything that was known of it is asked again. */
export function whenUp(
  probes: readonly { readonly name: ProbeName; readonly families?: readonly FamilySpec[] }[],
): readonly ProbeName[] {
  const collecting = probes.filter(({ families }) => families !== undefined).map(({ name }) => name)
  const first = ['postgres.connect', 'postgres.identity', 'postgres.replication', 'postgres.writable'] as const
  return [...first, 'citus.local', 'citus.versions', ...collecting]
}

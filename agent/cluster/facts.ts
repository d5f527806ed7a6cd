// What a decision about joining rests on: plain data, so that deciding is a pure function.
import type { LocalMetadata } from '../../probes/citus/local.ts'
import type { ClusterView } from '../../probes/citus/nodes.ts'
import type { Identity } from '../../probes/postgres/identity.ts'
import type { Address, Role } from '../config.ts'
import type { FindingCode } from './findings.ts'
import type { Member } from './ledger.ts'
import type { Notebook } from './notebook.ts'

/** This node, as configured and as its own server says. */
export interface Self {
  readonly name: string
  readonly role: Role
  readonly address: Address
  readonly group: GroupWish
  readonly registerStandby: boolean
  readonly followPromotion: boolean
  readonly clusterName: string
  readonly identity: Identity
  readonly local: LocalMetadata
}

/** Which group a node wants: configured, derived from the ordinal in its name, or none in particular. */
export interface GroupWish {
  readonly id: number | undefined
  readonly from: 'configured' | 'ordinal' | 'none'
}

export interface JoinFacts {
  readonly self: Self
  readonly notebook: Notebook
  readonly view: ClusterView
  readonly members: readonly Member[]
  /** History file of this node's timeline. */
  readonly timelineHistory: string
  /** What a person said yes to since the last verification. */
  readonly accepted: FindingCode | undefined
}

/** The group a node wants. */
export function groupWish(role: Role, name: string, configured: number | undefined): GroupWish {
  if (configured !== undefined) return { id: configured, from: 'configured' }
  if (role === 'coordinator') return { id: 0, from: 'configured' }
  const ordinal = /-(\d{1,6})$/.exec(name)?.[1]
  // Ordinals of a StatefulSet start at 0, and group 0 is the coordinator's.
  return ordinal === undefined ? { id: undefined, from: 'none' } : { id: Number(ordinal) + 1, from: 'ordinal' }
}

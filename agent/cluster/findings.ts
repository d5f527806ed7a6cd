// Every way in which joining waits or is refused, with its reason and what to do; the codes are API (docs/errors.md).
import { reasonOf, sqlstate } from '../errors.ts'

/**
 * `blind`: nobody can confirm this node now, so one that was verified stays ready; `wait` resolves by itself and is looked at
 * again; `refuse` waits for a person, most often for `citus-sidecar accept`.
 */
export const findings = {
  'coordinator-unreachable': {
    kind: 'blind',
    action: 'look whether the coordinator runs and its name resolves; nothing is lost meanwhile',
  },
  'coordinator-standby': { kind: 'blind', action: 'wait for a coordinator that is not in recovery' },
  'coordinator-without-host': { kind: 'wait', action: "wait for the coordinator's own sidecar to set its host" },
  'coordinator-unprepared': { kind: 'wait', action: 'run `citus-sidecar bootstrap` on the coordinator' },
  'node-unprepared': { kind: 'wait', action: 'run `citus-sidecar bootstrap` on this node' },
  'local-unknown': { kind: 'wait', action: 'wait for PostgreSQL; see the postgres and versions checks' },
  'another-sidecar': {
    kind: 'wait',
    action: 'end one of the two sidecars; this one takes over when the other has gone',
  },
  'registration-off': { kind: 'wait', action: 'register the node by hand, or set CITUS_SIDECAR_REGISTER=true' },
  'registration-waits': { kind: 'wait', action: 'it is tried again by itself' },
  'metadata-unsynced': {
    kind: 'wait',
    action: 'wait for the maintenance daemon of the coordinator; if it stays, look for unreachable nodes',
  },
  draining: { kind: 'wait', action: 'wait until the node is back, or run `citus-sidecar drain --cancel`' },
  maintenance: { kind: 'wait', action: 'run `citus-sidecar maintenance off` when done' },
  'primary-restarts': {
    kind: 'wait',
    action:
      'wait for the promotion to be followed: see CITUS_SIDECAR_FOLLOW_PROMOTION, or run citus_update_node on the coordinator',
  },
  'registration-failed': {
    kind: 'refuse',
    action: 'mend what the message says; it is tried again every minute, and at once after `citus-sidecar accept`',
  },
  'role-mismatch': { kind: 'refuse', action: 'check CITUS_SIDECAR_ROLE and which volume is mounted' },
  'group-mismatch': {
    kind: 'refuse',
    action: 'set CITUS_SIDECAR_GROUP to the group this node has, or give it its own address',
  },
  'group-taken': { kind: 'refuse', action: 'give this node a group of its own, or remove the other node first' },
  'address-taken': { kind: 'refuse', action: 'give each node an address and a name of its own' },
  'coordinator-changed': {
    kind: 'refuse',
    action:
      'check CITUS_SIDECAR_COORDINATOR; registering would replace the metadata here by that of the other coordinator; if that is wanted, run `citus-sidecar accept`',
  },
  'coordinator-emptied': {
    kind: 'refuse',
    action:
      'restore the coordinator; registering would wipe the metadata here; if that is wanted, run `citus-sidecar accept`',
  },
  'volume-empty': {
    kind: 'refuse',
    action:
      'bring back the right volume, or restore it; if its data may be lost, run `citus-sidecar accept`: the node gets the metadata again, not the shards',
  },
  'volume-foreign': {
    kind: 'refuse',
    action: 'mount the volume of this node; if this one is meant, run `citus-sidecar accept`',
  },
  'volume-cloned': {
    kind: 'refuse',
    action:
      'a copy of a node is no new node: give this one a volume of its own; if it is that node under a new name, run `citus-sidecar accept` once the old name is lost',
  },
  'volume-rolled-back': {
    kind: 'refuse',
    action:
      'writes the cluster knows of are missing here; restore a newer state, or run `citus-sidecar accept` knowing that they are lost',
  },
  'volume-branched': {
    kind: 'refuse',
    action: 'writes after the branch are missing here; if they may be lost, run `citus-sidecar accept`',
  },
  disabled: { kind: 'refuse', action: 'run `citus-sidecar accept` to activate it again' },
  removed: { kind: 'refuse', action: 'run `citus-sidecar accept` to register it again' },
} as const satisfies Record<string, { kind: FindingKind; action: string }>

type FindingKind = 'blind' | 'wait' | 'refuse'

export type FindingCode = keyof typeof findings

/** Why a node does not join, now or until a person speaks. */
export interface Finding {
  readonly code: FindingCode
  readonly kind: FindingKind
  /** One sentence: what was found. */
  readonly reason: string
  readonly action: string
}

/** A finding with its row of the table. */
export function finding(code: FindingCode, reason: string): Finding {
  return { code, reason, ...findings[code] }
}

/** What an error on the way to a decision means; undefined when the coordinator simply did not answer. `here`: this node's own schema was being read. */
export function findingOfError(error: unknown, here: boolean): Finding | undefined {
  const state = sqlstate(error)
  const reason = reasonOf(error)
  if (state === '23505') return finding('address-taken', reason)
  // Undefined table, schema or function: bootstrap has not run, or not for this version.
  if (state !== '42P01' && state !== '3F000' && state !== '42883') return undefined
  return here
    ? finding('node-unprepared', `the sidecar's schema is missing on this node (${reason})`)
    : finding('coordinator-unprepared', `the ledger is missing on the coordinator (${reason})`)
}

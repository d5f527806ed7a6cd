// Is this the volume the cluster knows: a node with another identity than its peers remember is refused, both ways.
import { parseLsn } from '../../probes/lsn.ts'
import type { JoinFacts } from './facts.ts'
import { finding } from './findings.ts'
import type { Finding } from './findings.ts'
import type { Member } from './ledger.ts'

/** Why this node's volume, or the coordinator's, is not the one that is remembered; undefined when all fits. */
export function guardVolumes(facts: JoinFacts): Finding | undefined {
  return (
    copiedVolume(facts) ??
    coordinatorIdentity(facts) ??
    foreignVolume(facts) ??
    emptyVolume(facts) ??
    olderVolume(facts) ??
    emptiedCoordinator(facts)
  )
}

/** The branch point of the parent timeline out of a history file; undefined where it does not list it. */
export function branchPoint(history: string, parent: number): bigint | undefined {
  for (const line of history.split('\n')) {
    const match = /^\s*(\d+)\s+([0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8})(?:\s|$)/.exec(line)
    if (match?.[2] !== undefined && Number(match[1]) === parent) return parseLsn(match[2])
  }
  return undefined
}

function known(facts: JoinFacts): Member | undefined {
  return facts.members.find((member) => member.name === facts.self.name)
}

function copiedVolume(facts: JoinFacts): Finding | undefined {
  const { self, notebook } = facts
  const { systemIdentifier, timeline, inRecovery } = self.identity
  if (inRecovery) return undefined
  // A promoted standby carries its old primary's notebook too, but on a newer timeline.
  if (notebook.name !== undefined && notebook.name !== self.name && notebook.timeline === timeline) {
    return finding(
      'volume-cloned',
      `this volume is a copy of that of node ${notebook.name}, on the same timeline ${timeline}`,
    )
  }
  const twin = facts.members.find(
    (member) =>
      member.name !== self.name &&
      !member.inRecovery &&
      member.systemIdentifier === systemIdentifier &&
      member.timeline === timeline,
  )
  if (twin === undefined) return undefined
  return finding(
    'volume-cloned',
    `this volume has the system identifier ${systemIdentifier} and timeline ${timeline} of member ${twin.name}`,
  )
}

function coordinatorIdentity(facts: JoinFacts): Finding | undefined {
  const { notebook, view, self } = facts
  if (self.role !== 'worker' || notebook.coordinatorSystemIdentifier === undefined) return undefined
  const { systemIdentifier, serverId } = view.coordinator
  if (notebook.coordinatorSystemIdentifier !== systemIdentifier) {
    return finding(
      'coordinator-changed',
      `this node belongs to the coordinator with system identifier ${notebook.coordinatorSystemIdentifier}, but ${systemIdentifier} answers`,
    )
  }
  if (notebook.coordinatorServerId !== undefined && notebook.coordinatorServerId !== serverId) {
    return finding(
      'coordinator-changed',
      `the Citus extension of the coordinator was created anew (server id ${serverId ?? 'none'}, known ${notebook.coordinatorServerId})`,
    )
  }
  return undefined
}

function foreignVolume(facts: JoinFacts): Finding | undefined {
  const { self } = facts
  const member = known(facts)
  const { systemIdentifier } = self.identity
  if (member === undefined || member.systemIdentifier === null || member.systemIdentifier === systemIdentifier)
    return undefined
  const where = `the ledger knows ${self.name} with system identifier ${member.systemIdentifier}, this volume has ${systemIdentifier}`
  const blank = self.local.groupId === 0 && self.role === 'worker' && facts.notebook.verifiedAt === undefined
  return blank
    ? finding('volume-empty', `${where} and was never part of a cluster`)
    : finding('volume-foreign', `${where} and belongs elsewhere`)
}

function emptyVolume(facts: JoinFacts): Finding | undefined {
  const { self, view, accepted } = facts
  if (self.role !== 'worker' || self.identity.inRecovery || self.local.groupId !== 0 || accepted === 'volume-empty')
    return undefined
  const row = view.nodes.find((node) => node.host === self.address.host && node.port === self.address.port)
  if (row === undefined) return undefined
  return finding(
    'volume-empty',
    `the coordinator has this address as node ${row.nodeId} of group ${row.groupId} with ${row.placements} shard placements, but this volume was never part of a cluster`,
  )
}

function olderVolume(facts: JoinFacts): Finding | undefined {
  const member = known(facts)
  const { identity } = facts.self
  if (
    member === undefined ||
    member.systemIdentifier !== identity.systemIdentifier ||
    identity.inRecovery ||
    member.inRecovery
  )
    return undefined
  const { timeline, lsn } = member
  if (timeline === null || lsn === null) return undefined
  if (identity.timeline < timeline) {
    return finding(
      'volume-rolled-back',
      `this volume is on timeline ${identity.timeline}, the cluster has seen it on ${timeline}`,
    )
  }
  if (identity.timeline === timeline) {
    if (parseLsn(identity.lsn) >= parseLsn(lsn)) return undefined
    return finding(
      'volume-rolled-back',
      `this volume is at ${identity.lsn}, the cluster has seen it at ${lsn} on the same timeline`,
    )
  }
  const branch = branchPoint(facts.timelineHistory, timeline)
  if (branch !== undefined && branch >= parseLsn(lsn)) return undefined
  const where = branch === undefined ? 'at an unknown position' : 'too early'
  return finding(
    'volume-branched',
    `timeline ${identity.timeline} of this volume branches from timeline ${timeline} ${where}: the cluster has seen it at ${lsn}`,
  )
}

/** A worker with data whose coordinator knows nothing of it: adding it would wipe its metadata. */
function emptiedCoordinator(facts: JoinFacts): Finding | undefined {
  const { self, view } = facts
  const { groupId, placements } = self.local
  if (self.role !== 'worker' || groupId === 0 || placements === 0 || facts.accepted === 'coordinator-emptied')
    return undefined
  const elsewhere = view.nodes.reduce((sum, node) => sum + node.placements, 0)
  if (elsewhere > 0 || view.nodes.some((node) => node.groupId === groupId)) return undefined
  return finding(
    'coordinator-emptied',
    `this node's metadata lists ${placements} shard placements, that of the coordinator none`,
  )
}

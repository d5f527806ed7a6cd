// What to do about this node's registration: a pure function of what is known, run again whenever something may have changed.
import type { ClusterNode } from '../../probes/citus/nodes.ts'
import type { JoinFacts } from './facts.ts'
import { finding } from './findings.ts'
import type { Finding } from './findings.ts'
import type { ActionName } from './ledger.ts'
import { gaveUpAddress } from './silence.ts'
import { guardVolumes } from './volume-guard.ts'

export type Decision =
  /** The coordinator has this node as it should be; `node` is undefined for a standby that need not register. */
  | { readonly do: 'nothing'; readonly node: ClusterNode | undefined }
  /** One call on the coordinator; `node` is the row it changes. */
  | {
      readonly do: 'act'
      readonly action: ActionName
      readonly node: ClusterNode | undefined
      readonly because: string
    }
  | { readonly do: 'stop'; readonly finding: Finding }

function stop(one: Finding): Decision {
  return { do: 'stop', finding: one }
}

/** Decides; normal on a restart is `nothing`, without any write to a catalog. */
export function decide(facts: JoinFacts): Decision {
  const { self, view } = facts
  if (view.coordinator.inRecovery)
    return stop(finding('coordinator-standby', 'the coordinator that answers is in recovery'))
  if (view.coordinator.groupId !== 0)
    return stop(
      finding('role-mismatch', `the server named as coordinator is a worker of group ${view.coordinator.groupId}`),
    )
  if (self.role === 'coordinator' && self.local.groupId !== 0) {
    return stop(
      finding(
        'role-mismatch',
        `configured as coordinator, but this volume is that of a worker of group ${self.local.groupId}`,
      ),
    )
  }
  if (
    self.role === 'worker' &&
    self.identity.systemIdentifier === view.coordinator.systemIdentifier &&
    self.local.groupId === 0
  ) {
    return stop(finding('role-mismatch', 'configured as worker, but this volume is that of the coordinator'))
  }
  const guarded = guardVolumes(facts)
  if (guarded !== undefined) return stop(guarded)
  const taken = addressTaken(facts)
  if (taken !== undefined) return stop(taken)
  if (self.identity.inRecovery) return decideStandby(facts)
  return self.role === 'coordinator' ? decideCoordinator(facts) : decideWorker(facts)
}

function addressTaken(facts: JoinFacts): Finding | undefined {
  const { self, members } = facts
  const newest = members.reduce((latest, member) => Math.max(latest, member.lastSeen), 0)
  const other = members.find(
    (member) => member.name !== self.name && member.host === self.address.host && member.port === self.address.port,
  )
  // Against the newest of all, because the ledger's clock is not this one's.
  if (other === undefined || gaveUpAddress(other, newest)) return undefined
  return finding('address-taken', `member ${other.name} announces the same address ${other.host}:${other.port}`)
}

function atMyAddress(facts: JoinFacts): ClusterNode | undefined {
  const { host, port } = facts.self.address
  return facts.view.nodes.find((node) => node.host === host && node.port === port)
}

function primaryOf(facts: JoinFacts, group: number | undefined): ClusterNode | undefined {
  return facts.view.nodes.find((node) => node.groupId === group && node.role === 'primary')
}

function decideCoordinator(facts: JoinFacts): Decision {
  const row = primaryOf(facts, 0)
  const { host, port } = facts.self.address
  if (row === undefined && facts.view.nodes.some((node) => node.groupId === 0)) {
    return stop(finding('registration-waits', 'group 0 has a secondary but no primary: remove its row first'))
  }
  if (row === undefined)
    return { do: 'act', action: 'set-coordinator-host', node: undefined, because: 'no host of the coordinator is set' }
  return row.host === host && row.port === port ? { do: 'nothing', node: row } : decideMoved(facts, row)
}

function decideStandby(facts: JoinFacts): Decision {
  const { self } = facts
  const row = atMyAddress(facts)
  if (row?.role === 'primary') {
    return stop(
      finding(
        'primary-restarts',
        `the coordinator has ${row.host}:${row.port} as primary of group ${row.groupId}, but this node is in recovery`,
      ),
    )
  }
  if (row?.active === false) return decideDisabled(facts, row)
  if (row !== undefined || !self.registerStandby) return { do: 'nothing', node: row }
  // An id that another row has is that of this standby's primary, or of what this node was before it became a standby.
  const before = facts.members.find((one) => one.name === self.name)?.nodeId ?? undefined
  if (before !== undefined && !facts.view.nodes.some((node) => node.nodeId === before))
    return stop(
      finding('removed', `this standby was registered as node ${before}, and the coordinator no longer has it`),
    )
  // A worker that never joined says group 0, as its standby then does; group 0 is the coordinator's.
  if (self.role === 'worker' && self.local.groupId === 0)
    return stop(finding('registration-waits', 'the primary of this standby has not joined the cluster yet'))
  if (primaryOf(facts, self.local.groupId) === undefined)
    return stop(finding('registration-waits', `the primary of group ${self.local.groupId} is not registered yet`))
  return { do: 'act', action: 'add-secondary', node: undefined, because: 'this standby is not registered' }
}

function decideWorker(facts: JoinFacts): Decision {
  const { self } = facts
  const row = atMyAddress(facts)
  const own = self.local.groupId === 0 ? undefined : primaryOf(facts, self.local.groupId)
  // A standby that was registered and then promoted has a row of its own still; what counts is that of its group's primary.
  if (row !== undefined && (row.role === 'primary' || own === undefined)) return decideRegistered(facts, row)
  if (primaryOf(facts, 0) === undefined)
    return stop(finding('coordinator-without-host', 'the coordinator has not set its own host yet'))
  if (own !== undefined) return decideMoved(facts, own)
  const verified = facts.notebook.verifiedAt !== undefined
  const member = facts.members.find((one) => one.name === self.name)
  if (verified || (member !== undefined && member.nodeId !== null)) {
    return stop(finding('removed', 'this node was registered, and the coordinator no longer has it'))
  }
  // Who accepted that it was removed knows that the coordinator has nothing of it.
  const wanted = facts.accepted === 'coordinator-emptied' || facts.accepted === 'removed'
  if (self.local.placements > 0 && self.local.groupId !== 0 && !wanted) {
    return stop(
      finding(
        'coordinator-emptied',
        `this volume is that of group ${self.local.groupId}, which the coordinator does not have`,
      ),
    )
  }
  const clash = self.group.id === undefined ? undefined : primaryOf(facts, self.group.id)
  if (clash !== undefined)
    return stop(
      finding('group-taken', `group ${clash.groupId} is that of node ${clash.nodeId} at ${clash.host}:${clash.port}`),
    )
  return { do: 'act', action: 'add', node: undefined, because: 'the coordinator does not have this node' }
}

/** The coordinator has a row at this node's address. */
function decideRegistered(facts: JoinFacts, row: ClusterNode): Decision {
  const { self, accepted } = facts
  if (accepted === 'volume-empty' && self.local.groupId === 0) {
    return { do: 'act', action: 'activate', node: row, because: 'a person accepted the empty volume' }
  }
  if (row.groupId !== self.local.groupId) {
    return stop(
      finding(
        'group-mismatch',
        `the coordinator has this address in group ${row.groupId}, this volume is that of group ${self.local.groupId}`,
      ),
    )
  }
  if (self.group.from === 'configured' && self.group.id !== row.groupId) {
    return stop(
      finding(
        'group-mismatch',
        `group ${self.group.id} is configured, but this node is registered in group ${row.groupId}`,
      ),
    )
  }
  if (!row.active) return decideDisabled(facts, row)
  if (!row.metadataSynced && facts.notebook.verifiedAt === undefined) {
    return stop(finding('metadata-unsynced', `node ${row.nodeId} is registered, but its metadata is not in sync yet`))
  }
  return { do: 'nothing', node: row }
}

/** Disabled by hand it stays so, until a person speaks. */
function decideDisabled(facts: JoinFacts, row: ClusterNode): Decision {
  if (facts.accepted === 'disabled')
    return { do: 'act', action: 'activate', node: row, because: 'a person accepted the disabled node' }
  return stop(finding('disabled', `node ${row.nodeId} was disabled on the coordinator`))
}

/** The coordinator has this node's group at another address. */
function decideMoved(facts: JoinFacts, row: ClusterNode): Decision {
  const { self, members, notebook } = facts
  const there = `the coordinator has group ${row.groupId} at ${row.host}:${row.port}`
  const other = members.find(
    (member) => member.host === row.host && member.port === row.port && member.name !== self.name,
  )
  const promoted =
    other !== undefined &&
    other.systemIdentifier === self.identity.systemIdentifier &&
    (other.timeline ?? 0) < self.identity.timeline
  if (promoted || (notebook.name !== undefined && notebook.name !== self.name)) {
    if (self.followPromotion && promoted)
      return {
        do: 'act',
        action: 'follow-promotion',
        node: row,
        because: `${there}, and this node was promoted on timeline ${self.identity.timeline}`,
      }
    return stop(
      finding('primary-restarts', `${there}, and this node was promoted on timeline ${self.identity.timeline}`),
    )
  }
  if (other !== undefined) return stop(finding('group-taken', `${there}, which is member ${other.name}`))
  return { do: 'act', action: 'update-address', node: row, because: there }
}

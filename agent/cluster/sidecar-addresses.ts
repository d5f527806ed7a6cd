// Where the sidecars of other nodes answer, by the node ids that Citus writes into its global numbers of backends.
import type { Member } from './ledger.ts'

type Located = Pick<Member, 'host' | 'httpPort' | 'nodeId' | 'inRecovery' | 'lastSeen'>

/** `http://host:port` by Citus' node id, of primaries alone; where two claim one id, of the one that was heard last. */
export function sidecarAddresses(members: readonly Located[]): ReadonlyMap<string, string> {
  const addresses = new Map<string, string>()
  for (const { host, httpPort, nodeId, inRecovery } of members.toSorted((a, b) => a.lastSeen - b.lastSeen)) {
    if (nodeId === null || httpPort === null || inRecovery) continue
    addresses.set(String(nodeId), `http://${host.includes(':') ? `[${host}]` : host}:${httpPort}`)
  }
  return addresses
}

/** Takes the members as often as they are read, and tells their addresses when these are others than before. */
export function onNewAddresses(
  tell: (addresses: ReadonlyMap<string, string>) => void,
): (members: readonly Located[]) => void {
  let told = ''
  return (members) => {
    const addresses = sidecarAddresses(members)
    const now = JSON.stringify([...addresses].toSorted(([one], [other]) => Number(one) - Number(other)))
    if (now !== told) tell(addresses)
    told = now
  }
}

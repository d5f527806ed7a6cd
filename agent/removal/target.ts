// Which node is meant: a member by its name, or a registered node by its address.
import type { Member } from '../cluster/ledger.ts'
import { listed, refusal } from './refusals.ts'
import type { Refusal } from './refusals.ts'
import type { RemovalNode } from './survey.ts'

export interface Target {
  /** Name of the member, or the address of a node that no sidecar announced. */
  readonly name: string
  readonly node: RemovalNode
  readonly member: Member | undefined
}

/** The node that is meant, or why none is. */
export function targetOf(
  name: string,
  members: readonly Member[],
  nodes: readonly RemovalNode[],
): Target | { readonly refused: Refusal } {
  const address = ({ host, port }: { readonly host: string; readonly port: number }): string => `${host}:${port}`
  const at = (where: string): RemovalNode | undefined => nodes.find((node) => address(node) === where)
  const member = members.find((one) => one.name === name) ?? members.find((one) => address(one) === name)
  const node = member === undefined ? at(name) : at(address(member))
  if (node !== undefined) return { name: member?.name ?? name, node, member }
  if (member !== undefined) {
    const what = member.role === 'pooler' ? 'is a pooler, which nobody registers' : 'is not registered'
    return { refused: refusal('not-registered', `${member.name} ${what}`) }
  }
  const strangers = nodes.filter((one) => !members.some((known) => address(known) === address(one))).map(address)
  const known = listed([...members.filter(({ role }) => role !== 'pooler').map((one) => one.name), ...strangers])
  return { refused: refusal('unknown-node', `there is no node "${name}"; there are ${known === '' ? 'none' : known}`) }
}

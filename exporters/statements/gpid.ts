// Citus' global number of a backend: node id * 10^10 + pid, which is above what a number of JavaScript holds exactly.
// https://github.com/citusdata/citus/blob/v13.2.0/src/backend/distributed/transaction/backend_data.c

/** Of a node that was not registered when the backend began. */
const notInMetadata = '99999999'

/** Node id and pid in a global number; undefined where it names no registered node. */
export function initiatorOf(gpid: string): { readonly nodeId: string; readonly pid: number } | undefined {
  const parts = /^([1-9]\d{0,8})(\d{10})$/.exec(gpid)
  const [, nodeId, pid] = parts ?? []
  return nodeId === undefined || nodeId === notInMetadata ? undefined : { nodeId, pid: Number(pid) }
}

/** The global number of a backend of a node; undefined where the node has no id. */
export function gpidOf(nodeId: string | undefined, pid: number): string | undefined {
  return nodeId === undefined ? undefined : `${nodeId}${String(pid).padStart(10, '0')}`
}

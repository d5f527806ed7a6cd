// Connections that something in this network namespace (a pod's containers share one) tries to make and nobody answers.
import { readFile } from 'node:fs/promises'

// https://docs.kernel.org/networking/proc_net_tcp.html: state SYN_SENT; a line's columns by position
const synSent = '02'
const column = { remote: 2, state: 3, retransmits: 6 } as const

/** Where to these connections go, `address:port`; only to these ports. Empty where the kernel does not say. */
export async function hangingConnects(ports: ReadonlySet<number>, net = '/proc/net'): Promise<readonly string[]> {
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map(async (name) => await readFile(`${net}/${name}`, 'utf8').catch(() => '')),
  )
  const found = tables.flatMap((table) => table.split('\n').slice(1)).flatMap((line) => hanging(line, ports) ?? [])
  return [...new Set(found)].toSorted()
}

function hanging(line: string, ports: ReadonlySet<number>): string | undefined {
  const words = line.trim().split(/\s+/)
  const [address = '', port = ''] = words[column.remote]?.split(':') ?? []
  // One that is sent for the first time is on its way; a peer that is there answers within milliseconds.
  if (words[column.state] !== synSent || Number.parseInt(words[column.retransmits] ?? '', 16) === 0) return undefined
  const number = Number.parseInt(port, 16)
  return ports.has(number) ? `${readAddress(address)}:${number}` : undefined
}

/** Words of 32 bits in the byte order of the machine, which Node runs on little-endian ones alone. */
function readAddress(hex: string): string {
  const bytes = Buffer.from(hex, 'hex')
  if (bytes.length % 4 === 0) bytes.swap32()
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: bytes.length / 2 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16))
  return `[${groups.join(':')}]`
}

// A TCP proxy in front of a PostgreSQL that can fail as networks do: it swallows bytes while every socket stays open,
// hangs up, or delays. A connection is known by the application_name in its startup packet, so that each of the
// sidecar's connections can be made to fail alone.
import { createServer, type Server, type Socket, connect } from 'node:net'

/** What a connection says first, where that is no application_name. */
const anonymous = { cancel: 'cancel request', unnamed: 'unnamed' } as const

// https://www.postgresql.org/docs/current/protocol-message-formats.html: StartupMessage, CancelRequest, SSLRequest, GSSENCRequest
const cancelCode = 80_877_102
const encryptionCodes: ReadonlySet<number> = new Set([80_877_103, 80_877_104])

/** The application_name of a startup packet; undefined while it has not arrived whole, or asks for encryption first. */
export function nameOf(packet: Buffer): string | undefined {
  if (packet.length < 8 || packet.length < packet.readInt32BE(0)) return undefined
  const code = packet.readInt32BE(4)
  if (encryptionCodes.has(code)) return nameOf(packet.subarray(8))
  if (code === cancelCode) return anonymous.cancel
  const words = packet.subarray(8, packet.readInt32BE(0)).toString('utf8').split('\0')
  const at = words.findIndex((word, index) => index % 2 === 0 && word === 'application_name')
  return (at < 0 ? undefined : words[at + 1]) ?? anonymous.unnamed
}

interface Link {
  readonly client: Socket
  readonly server: Socket
  name: string | undefined
  /** Says the side's end to the other side once bytes flow again. */
  readonly owed: (() => void)[]
}

interface Target {
  readonly host: string
  readonly port: number
}

/** Says which connections are meant, by application_name; all where undefined. */
type Which = string | undefined

/** The proxy; everything flows until told otherwise. */
export class HalfOpenProxy implements AsyncDisposable {
  readonly #server: Server
  #target: Target
  readonly #links = new Set<Link>()
  readonly #swallowed = new Set<Link>()
  readonly #swallow = new Set<Which>()
  readonly #refuse = new Set<Which>()
  readonly #delay = new Map<Which, number>()
  /** Connections made so far, by name. */
  readonly made = new Map<string, number>()

  private constructor(server: Server, target: Target) {
    this.#server = server
    this.#target = target
  }

  /** Starts a proxy on a free port of 127.0.0.1 in front of `target`. */
  static async start(target: Target): Promise<HalfOpenProxy> {
    // Half-open on purpose: that one side has ended is told to the other by us, or not at all.
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    const proxy = new HalfOpenProxy(server, target)
    server.on('connection', (client) => proxy.#accept(client))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', resolve)
    })
    return proxy
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** Where connections lead from now on; those that are open are ended. */
  leadTo(target: Target): void {
    this.#target = target
    this.close()
  }

  /** How many connections of this name a client has open. */
  open(name: string): number {
    return [...this.#links].filter((link) => link.name === name && !link.client.destroyed && !link.client.readableEnded)
      .length
  }

  /** From now on bytes vanish in both directions, of open connections and new ones; nobody is told of an end. */
  swallow(name?: string): void {
    this.#swallow.add(name)
  }

  /** Bytes of the connections that are open now vanish; new ones pass. */
  swallowOpen(name?: string): void {
    for (const link of this.#links) if (meant(link, name)) this.#swallowed.add(link)
  }

  /** Hangs up on new connections as soon as they have said their name. */
  refuse(name?: string): void {
    this.#refuse.add(name)
  }

  /** Ends the connections that are open now. */
  close(name?: string): void {
    for (const link of this.#links) if (meant(link, name)) endLink(link)
  }

  /** Every answer comes this much later, milliseconds. */
  delay(milliseconds: number, name?: string): void {
    this.#delay.set(name, milliseconds)
  }

  /** Everything passes again; ends that were kept quiet are told now. */
  flow(): void {
    for (const rules of [this.#swallow, this.#swallowed, this.#refuse, this.#delay]) rules.clear()
    for (const link of this.#links) for (const tell of link.owed.splice(0)) tell()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const link of this.#links) endLink(link)
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #accept(client: Socket): void {
    const server = connect({ ...this.#target, allowHalfOpen: true, noDelay: true })
    const link: Link = { client, server, name: undefined, owed: [] }
    this.#links.add(link)
    let packet = Buffer.alloc(0)
    client.on('data', (bytes: Buffer) => {
      if (link.name === undefined) {
        packet = Buffer.concat([packet, bytes])
        link.name = nameOf(packet)
        if (link.name !== undefined) this.made.set(link.name, (this.made.get(link.name) ?? 0) + 1)
      }
      if (this.#has(this.#refuse, link)) endLink(link)
      else if (!this.#swallows(link)) server.write(bytes)
    })
    server.on('data', (bytes: Buffer) => {
      const later = this.#delay.get(link.name) ?? this.#delay.get(undefined)
      const pass = (): void => void (this.#swallows(link) || client.write(bytes))
      if (later === undefined) pass()
      else setTimeout(pass, later).unref()
    })
    this.#tellEnds(link, client, server)
    this.#tellEnds(link, server, client)
  }

  #tellEnds(link: Link, from: Socket, to: Socket): void {
    const told = (tell: () => void) => (): void => {
      if (this.#swallows(link)) link.owed.push(tell)
      else tell()
    }
    from.on('error', () => from.destroy())
    from.on(
      'end',
      told(() => to.end()),
    )
    from.on(
      'close',
      told(() => {
        to.end()
        if (to.destroyed) this.#links.delete(link)
      }),
    )
  }

  #has(rules: ReadonlySet<Which>, link: Link): boolean {
    return rules.has(undefined) || (link.name !== undefined && rules.has(link.name))
  }

  #swallows(link: Link): boolean {
    return this.#swallowed.has(link) || this.#has(this.#swallow, link)
  }
}

function meant(link: Link, name: Which): boolean {
  return name === undefined || link.name === name
}

function endLink({ client, server }: Link): void {
  client.destroy()
  server.destroy()
}

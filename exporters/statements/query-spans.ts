// Spans of statements, across nodes: those of clients become parents that other nodes ask for, those of tasks ask for theirs.
import type { LastTold, LinkFigures, SpanFigures, StatementKind } from './figures.ts'
import { gpidOf } from './gpid.ts'
import type { AskBatch, LinkAnswer } from './link.ts'
import { LinkAsker } from './link-asker.ts'
import type { LinkAskerOptions } from './link-asker.ts'
import type { LinkOutcome } from './link-peer.ts'
import { LinkStore } from './link-store.ts'
import type { LinkStoreOptions } from './link-store.ts'
import { Sampling } from './sampling.ts'
import type { SamplingOptions } from './sampling.ts'
import { SpanMaker } from './span-maker.ts'
import type { ServerSpan, Standing } from './server-span.ts'
import type { Shape, Statement } from './statement.ts'

/** Statements and commands that tasks may ask for, and how long they may, milliseconds beyond their patience. */
const mostKnown = 20_000
const longestKnown = 30_000
/** Tasks that wait for their parents. */
const mostWaiting = 5_000
/** Plans are kept while their statements wait, so many characters of all. */
const mostPlans = 4_194_304

export interface QuerySpansOptions extends SamplingOptions {
  readonly address: Standing['address']
  /** How long a task waits for its parent, milliseconds. */
  readonly patience: number
}

/** A task that waits for its parent. */
interface Waiting {
  readonly statement: Statement
  readonly shape: Shape
}

/** What has to be known around it. */
export interface Surroundings extends Pick<LinkAskerOptions<Waiting>, 'clock' | 'random' | 'request' | 'addresses'> {
  /** Citus' id of this node; undefined before it is registered. */
  readonly nodeId: () => string | undefined
  readonly running: LinkStoreOptions['running']
  readonly shapeOf: (statement: Pick<Statement, 'text' | 'failed' | 'kind'>) => Shape
}

/** Takes statements as they end; holds spans until they are taken. */
export class QuerySpans {
  readonly #maker: SpanMaker
  readonly #store: LinkStore
  readonly #asker: LinkAsker<Waiting>
  #plans = 0

  constructor(options: QuerySpansOptions, around: Surroundings) {
    const { address, patience } = options
    const { clock, nodeId, shapeOf, running } = around
    this.#maker = new SpanMaker({
      sampling: new Sampling(options),
      address,
      shapeOf: (text) => shapeOf({ text, kind: 'task', failed: undefined }),
      gpidOf: (pid) => gpidOf(nodeId(), pid),
      now: () => clock.now(),
    })
    const keepFor = patience + longestKnown
    this.#store = new LinkStore({ nodeId, running, since: clock.now(), limit: mostKnown, keepFor })
    this.#asker = new LinkAsker({
      ...around,
      own: { nodeId, store: this.#store },
      from: () => `${address.host}:${address.port}`,
      patience,
      limit: mostWaiting,
      onEnd: (waiting, outcome) => this.#ended(waiting, outcome),
    })
  }

  get figures(): { readonly spans: SpanFigures; readonly links: LinkFigures } {
    const { resolved, unresolved, clocks } = this.#asker.figures
    const seconds = [...clocks].map(([node, { offset }]) => [node, offset / 1_000] as const)
    return { spans: this.#maker.figures, links: { resolved, unresolved, clockOffsets: Object.fromEntries(seconds) } }
  }

  /** The last spans of statements of this kind, by how long those took. */
  lastTold(kind: StatementKind): LastTold {
    return this.#maker.lastTold(kind)
  }

  add(statement: Statement, shape: Shape): void {
    if (statement.kind === 'client') this.#store.add(statement, this.#maker.ofClient(statement, shape))
    if (statement.kind !== 'task') return
    const { length = 0 } = statement.plan ?? {}
    const plan = this.#plans + length > mostPlans ? undefined : statement.plan
    if (plan !== undefined) this.#plans += length
    // Many may wait, and the shape has what is told of the text.
    this.#asker.add(statement, { statement: { ...statement, text: '', plan }, shape })
  }

  #ended({ statement, shape }: Waiting, outcome: LinkOutcome): void {
    this.#plans -= statement.plan?.length ?? 0
    if ('unresolved' in outcome) return this.#maker.ofUnlinked(statement, shape)
    const { link, clock } = outcome
    const at = { startedAt: statement.startedAt + clock.offset, endedAt: statement.endedAt + clock.offset }
    this.#maker.ofLinked(statement, shape, link, at)
  }

  /** Every line that was written before this moment has been read, milliseconds since 1970. */
  read(upTo: number): void {
    this.#store.read(upTo)
  }

  /** Lines that were written until this moment may be lost, milliseconds since 1970. */
  lost(until: number): void {
    this.#store.lost(until)
  }

  /** The parents of tasks of another node, or that nobody knows them. */
  links({ asks, uncertainty, from }: AskBatch): readonly LinkAnswer[] {
    return asks.map((ask) => this.#store.resolve(ask, { uncertainty, from }))
  }

  get hasWaiting(): boolean {
    return this.#maker.hasWaiting
  }

  get isHalfFull(): boolean {
    return this.#maker.isHalfFull
  }

  /** The spans that wait, at most so many; they are the caller's from then on. */
  take(most: number): readonly ServerSpan[] {
    return this.#maker.take(most)
  }

  /** Tells of those that wait for their parents what is known of them. */
  end(): void {
    this.#asker.end()
  }

  /** Asks for parents until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#asker.run(signal)
  }
}

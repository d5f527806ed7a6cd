// A backend whose statements send tasks, as its own log and another node's tell of it, each by its clock: who sent what is known here.
import fc from 'fast-check'
import type { LinkAnswer, LinkAsk } from '../../exporters/statements/link.ts'
import { LinkStore } from '../../exporters/statements/link-store.ts'
import type { RemoteCommand, Statement } from '../../exporters/statements/statement.ts'
import { textHash } from '../../exporters/statements/text-hash.ts'

export const epoch = Date.parse('2026-11-26T12:00:00Z')
export const servers = ['worker-1:5432', 'worker-2:5432'] as const

/** What happens; milliseconds. */
export interface Step {
  readonly think: number
  readonly network: number
  readonly work: number
  readonly text: number
  readonly transaction: 'none' | 'new' | 'same'
  readonly tasks: number
  readonly failed: boolean
  /** Of the statement no line is read here. */
  readonly lost: boolean
  /** Of its tasks no line is read there. */
  readonly taskLost: boolean
}

const short = fc.double({ min: 0.05, max: 3, noNaN: true })

export const steps = (work: fc.Arbitrary<number>): fc.Arbitrary<readonly Step[]> =>
  fc.array(
    fc.record({
      think: fc.oneof(short, fc.double({ min: 0, max: 40, noNaN: true })),
      network: fc.double({ min: 0.02, max: 0.5, noNaN: true }),
      work,
      text: fc.nat({ max: 2 }),
      transaction: fc.constantFrom('none', 'new', 'same', 'same'),
      tasks: fc.integer({ min: 1, max: 2 }),
      failed: fc.nat({ max: 19 }).map((n) => n === 0),
      lost: fc.nat({ max: 19 }).map((n) => n === 0),
      taskLost: fc.nat({ max: 9 }).map((n) => n === 0),
    }),
    { minLength: 1, maxLength: 30 },
  )

export const anyWork = fc.oneof(short, fc.double({ min: 0.1, max: 300, noNaN: true }))

/** How the clocks stand: what is believed of the other one is wrong by at most `uncertainty`. */
export const clocks = fc.record({
  uncertainty: fc.double({ min: 0, max: 5, noNaN: true }),
  error: fc.double({ min: -1, max: 1, noNaN: true }),
  skew: fc.double({ min: -5, max: 5, noNaN: true }),
})

export type Clocks = typeof clocks extends fc.Arbitrary<infer T> ? T : never

interface Told {
  readonly statement: Statement
  readonly lost: boolean
}

interface Asked {
  readonly ask: LinkAsk
  readonly from: string
  /** True parent, and when the task truly ended. */
  readonly statement: number
  readonly command: number
  readonly endedAt: number
}

export interface Outcome extends Asked {
  readonly answer: LinkAnswer
}

/** What is logged, by methods: with commands, with contexts in this many traces. */
export interface Logging {
  readonly commands: boolean
  readonly traces: number
  /** Whether the store is told of lost lines. */
  readonly tellsLost: boolean
}

const record = { pid: 77, session: 's', line: 1, sessionStart: epoch, user: 'u', database: 'd', application: 'a' }
const trace = (n: number): string => String(n + 1).padStart(32, '0')

/** Logs all of it and asks for every task until it is answered or half a minute is over. */
export function simulate(script: readonly Step[], clock: Clocks, logging: Logging): readonly Outcome[] {
  const { told, asked } = logged(script, clock, logging)
  let now = epoch
  const store = new LinkStore({
    nodeId: () => '1',
    running: () =>
      told
        .filter(({ statement, lost }) => !lost && statement.endedAt > now)
        .flatMap(({ statement }) => statement.commands.filter(({ issuedAt }) => issuedAt <= now)),
    since: epoch - 60_000,
    limit: 1_000,
    keepFor: 60_000,
  })
  const waiting = [...told.entries()]
  const open = new Map(asked.map((one) => [one, { answer: { pending: true } as LinkAnswer, at: one.endedAt + 3 }]))
  for (const until = now + 100_000; now < until; now += 5) {
    for (let [first] = waiting; first !== undefined && first[1].statement.endedAt <= now; [first] = waiting) {
      waiting.shift()
      const [index, { statement, lost }] = first
      const traceId = trace(statement.context === undefined ? index : index % logging.traces)
      const spans = statement.commands.map((_, command) => `${index}.${command}`)
      if (!lost) store.add(statement, { traceId, spanId: String(index), sampled: true, commandSpans: spans })
    }
    // Lines are found to be lost while the log is read, not when the statement ends.
    const gone = told.filter(({ statement, lost }) => lost && logging.tellsLost && statement.startedAt - 1 <= now)
    for (const { statement } of gone) store.lost(Math.min(now, statement.endedAt))
    store.read(now)
    for (const [one, state] of open) {
      if (state.at > now || !('pending' in state.answer)) continue
      state.answer = store.resolve(one.ask, { uncertainty: clock.uncertainty, from: one.from })
      state.at = now + 500
    }
    if (waiting.length === 0 && [...open.values()].every(({ answer }) => !('pending' in answer))) break
  }
  return asked.map((one) => ({ ...one, answer: open.get(one)?.answer ?? { pending: true } }))
}

function logged(script: readonly Step[], clock: Clocks, logging: Logging) {
  const told: Told[] = []
  const asked: Asked[] = []
  let at = epoch + 0.37
  let transaction: string | undefined
  const sent = new Map<string, number>()
  const seen = new Map<string, number>()
  for (const [index, step] of script.entries()) {
    // Whatever is sampled, an error is logged.
    const failed = step.failed && (!step.lost || logging.tellsLost)
    at += step.think
    if (step.transaction === 'none') transaction = undefined
    if (step.transaction === 'new')
      transaction = `0, ${index}, '${new Date(at).toISOString().replace('T', ' ').replace('Z', '+00')}'`
    const begun = at
    const commands: RemoteCommand[] = []
    const inTrace = logging.traces > 0
    const traceId = trace(index % Math.max(1, logging.traces))
    const context = { traceId, spanId: `caller-${traceId}` }
    for (let task = 0; task < step.tasks; task += 1) {
      // Now and then two nodes are sent the same, as with a reference table.
      const text = `text ${step.text}${step.text === 0 ? '' : ` shard ${task}`}`
      const server = servers[task] ?? ''
      const issued = at
      at += step.network
      const started = at
      at += step.work
      const key = `${transaction} ${text} ${server}`
      const nth = sent.get(key) ?? 0
      sent.set(key, nth + 1)
      const place = transaction === undefined ? undefined : { transaction, nth }
      commands.push({
        text,
        server,
        connection: server,
        place,
        issuedAt: Math.floor(issued),
        endedAt: Math.floor(at) + 1,
      })
      if (step.taskLost) continue
      const count = seen.get(key) ?? 0
      seen.set(key, count + 1)
      const endedThere = Math.floor(at + clock.skew)
      const toHere = -clock.skew + clock.error * clock.uncertainty
      asked.push({
        ask: {
          gpid: '10000000077',
          startedAt: endedThere - step.work + toHere,
          endedAt: endedThere + toHere,
          text: textHash(text),
          place: place && { transaction: textHash(place.transaction), nth: count, seen: count + 1 },
          context: inTrace ? context : undefined,
        },
        from: server,
        statement: index,
        command: task,
        endedAt: at + (started - issued),
      })
    }
    // A statement that fails ends while its last task goes on.
    const ended = failed ? at - step.work * 0.9 : at + step.network
    const endedAt = Math.floor(ended)
    const statement: Statement = {
      kind: 'client',
      record,
      gpid: undefined,
      text: '',
      queryId: undefined,
      prepared: false,
      startedAt: endedAt - (ended - begun),
      endedAt,
      startEstimated: false,
      parseMs: undefined,
      bindMs: undefined,
      failed: failed ? '57014' : undefined,
      context: inTrace ? { ...context, sampled: true, source: 'guc' } : undefined,
      commands: logging.commands ? commands.map((one) => ({ ...one, endedAt: Math.min(one.endedAt, endedAt) })) : [],
      place: undefined,
      plan: undefined,
    }
    told.push({ statement, lost: step.lost })
    at = ended
  }
  return { told, asked }
}

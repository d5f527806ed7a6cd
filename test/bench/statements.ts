// What it costs to make statements and shapes of the server's log, apart from reading it: of a core, at 20,000 lines a second.
import { Assembler } from '../../exporters/statements/assembler.ts'
import { shaper } from '../../exporters/statements/shape.ts'
import type { LogRecord } from '../../exporters/statements/statement.ts'
import type { Claim } from './claim.ts'

const sessions = 100
const rounds = 5
const perRound = 40_000
/** Tasks as Citus sends them; no two have equal literals, so that nothing remembered helps. */
const texts: readonly ((n: number) => string)[] = [
  (n) => `SELECT id, note FROM public.orders_102008 orders WHERE (id OPERATOR(pg_catalog.=) '${n}'::bigint)`,
  (n) =>
    `INSERT INTO public.orders_102009 (id, note, at) VALUES ('${n}'::bigint, 'n${n}'::text, '2026-01-01 00:00:00+00'::timestamp with time zone)`,
  (n) => `UPDATE public.orders_102010 orders SET note = 'n${n}'::text WHERE (id OPERATOR(pg_catalog.=) ${n})`,
  (n) =>
    `SELECT o.id, c.name, sum(o.amount) AS total FROM (public.orders_102011 o JOIN public.customers_102012 c ON ((o.customer OPERATOR(pg_catalog.=) c.id))) WHERE ((c.id OPERATOR(pg_catalog.=) ${n}) AND (o.status OPERATOR(pg_catalog.=) ANY (ARRAY['a${n}'::text, 'b'::text]))) GROUP BY o.id, c.name`,
]
const tables = new Map(['102008', '102009', '102010', '102011'].map((id) => [id, 'orders']))

/** The lines of a worker: three a statement. */
function* lines(round: number): Generator<LogRecord> {
  for (let index = 0; index < perRound; index += 1) {
    const n = round * perRound + index
    const text = texts[n % texts.length]?.(n) ?? ''
    for (const [step, verb] of ['parse', 'bind', 'execute'].entries())
      yield {
        at: n,
        pid: n % sessions,
        session: `s${n % sessions}`,
        line: n * 3 + step,
        sessionStart: 0,
        user: 'app',
        database: 'app',
        application: 'citus_internal gpid=30000001063',
        backendType: 'client backend',
        severity: 'LOG',
        code: undefined,
        message: `duration: 0.${100 + (n % 800)} ms  ${verb} <unnamed>: ${text}`,
        detail: undefined,
        statement: undefined,
        queryId: '5148835772114550000',
        cut: false,
      }
  }
}

/** Microseconds of the processor that something takes. */
function cost(action: () => void): number {
  const before = process.cpuUsage()
  action()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

async function run(): ReturnType<Claim['run']> {
  const assembler = new Assembler()
  const shapeOf = shaper((id) => tables.get(id))
  let [assembling, shaping] = [0, 0]
  for (let round = 0; round < rounds; round += 1) {
    const records = [...lines(round)]
    const statements: ReturnType<Assembler['push']>[number][] = []
    const assembled = cost(() => {
      for (const record of records) for (const statement of assembler.push(record)) statements.push(statement)
    })
    const shaped = cost(() => {
      for (const statement of statements) shapeOf(statement)
    })
    // The first one compiles.
    if (round > 0) [assembling, shaping] = [assembling + assembled, shaping + shaped]
  }
  const statements = (rounds - 1) * perRound
  const [line, shape] = [assembling / statements / 3, shaping / statements]
  const core = (line * 20_000 + (shape * 20_000) / 3) / 1e6
  const told = `${line.toFixed(1)} µs a line to assemble, ${shape.toFixed(1)} µs a statement for its shape`
  return [
    {
      what: 'of a core at 20,000 lines/s',
      value: `${(core * 100).toFixed(0)} % (${told})`,
      target: '< 50 %',
      met: core < 0.5,
    },
  ]
}

export const statements: Claim = {
  name: 'statements',
  how: 'Lines of a worker that runs tasks of Citus, three a statement, no two with equal literals; processor time without reading and parsing the lines.',
  run,
}

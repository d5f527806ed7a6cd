// The whole way from the lines of a log to what is told of them, in one thread: what is told at the end, and what is exact.
import assert from 'node:assert/strict'
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { eventually } from '../../../deploy/local/eventually.ts'
import type { LinkAnswer, LinkAsk } from '../../../exporters/statements/link.ts'
import { LogReader } from '../../../exporters/statements/log-reader.ts'
import { sleep } from '../../../probes/sleep.ts'
import { textHash } from '../../../exporters/statements/text-hash.ts'
import { fileTree } from '../../support/file-trees.ts'
import type { FileTree } from '../../support/file-trees.ts'

const noon = Date.UTC(2026, 10, 26, 12)
const comment = `/*traceparent='00-${'a'.repeat(32)}-${'b'.repeat(16)}-01'*/`

/** A line of a log, milliseconds after noon. */
function line(at: number, fields: Readonly<Record<string, unknown>>): string {
  const time = new Date(noon + at).toISOString().replace('T', ' ').replace('Z', ' UTC')
  const session = { pid: 77, session_id: '6926a1.4d', line_num: 1, session_start: '2026-11-26 11:00:00 UTC' }
  const about = { user: 'app', dbname: 'app', application_name: 'shop', backend_type: 'client backend' }
  return `${JSON.stringify({ timestamp: time, ...session, ...about, error_severity: 'LOG', ...fields })}\n`
}

function statement(at: number, text: string, fields: Readonly<Record<string, unknown>> = {}): string {
  return line(at, { message: `duration: 10.000 ms  statement: ${text}`, ...fields })
}

/** A reader of a folder whose clock is turned by hand, from a second after noon on. */
class Reading implements AsyncDisposable {
  readonly tree: FileTree
  readonly reader: LogReader
  now = noon + 1_000
  readonly #end = new AbortController()
  readonly #running: Promise<void>

  private constructor(tree: FileTree) {
    this.tree = tree
    const spans = { perMinute: 1_000, ownPerMinute: 1_000, slowMs: 1, patience: 30_000, repeat: 0 }
    this.reader = new LogReader(
      {
        folder: join(tree.root, 'log'),
        record: join(tree.root, 'log-positions.json'),
        parameter: 'app.traceparent',
        spans: { ...spans, address: { host: 'here', port: 5432 } },
      },
      {
        clock: { now: () => this.now, sleep },
        random: Math.random,
        request: async () => await Promise.reject(new Error('nobody is there')),
        elapsed: () => 0,
      },
    )
    this.reader.know({ nodeId: '1' })
    this.#running = this.reader.run(() => undefined, this.#end.signal)
  }

  static async start(): Promise<Reading> {
    const reading = new Reading(await fileTree({ 'log/a.json': '' }))
    await eventually('it is found', () => reading.reader.news(0).jsonlog)
    return reading
  }

  /** Adds to the log, and waits until it was read. */
  async write(text: string): Promise<void> {
    const wanted = this.reader.news(0).figures.reader.lines + text.split('\n').length - 1
    await appendFile(join(this.tree.root, 'log', 'a.json'), text)
    await eventually('it is read', () => this.reader.news(0).figures.reader.lines === wanted)
  }

  /** Ends it as a sidecar that stops does. */
  async end(): Promise<void> {
    this.#end.abort()
    await this.#running
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end()
    await this.tree[Symbol.asyncDispose]()
  }
}

/** That of a task which began so long after noon and took 8 ms. */
function askOf(at: number, text: string): LinkAsk {
  const startedAt = noon + at
  return {
    gpid: '10000000077',
    startedAt,
    endedAt: startedAt + 8,
    text: textHash(text),
    place: undefined,
    context: undefined,
  }
}

suite('a reader of the log', () => {
  test('tells at its end of what waits for a plan and for a parent', async () => {
    await using reading = await Reading.start()
    await reading.write(
      line(898, { message: 'duration: 1.000 ms  plan:\nQuery Text: other' }) +
        line(899, { message: `duration: 5.000 ms  execute <unnamed>: select 1 ${comment}` }) +
        statement(900, `select 2 ${comment}`, {
          session_id: '6926a1.4e',
          application_name: 'citus_internal gpid=20000000078',
        }),
    )
    assert.deepEqual(reading.reader.news(10).spans, [])
    await reading.end()
    const { spans } = reading.reader.news(10)
    assert.deepEqual(
      spans.map(({ attributes }) => [attributes['db.query.text'], attributes['citus.link']]),
      [
        ['select ?', undefined],
        ['select ?', 'unresolved'],
      ],
    )
  })

  const answer = (reading: Reading, ask: LinkAsk): LinkAnswer | undefined =>
    reading.reader.links({ asks: [ask], uncertainty: 0, from: undefined })[0]
  const sent = (at: number): string =>
    line(at, {
      error_severity: 'NOTICE',
      message: 'issuing task',
      detail: 'on server app@there:5432 connectionId: 1',
    })

  test('waits for what the collector of the log may not have written yet', async () => {
    await using reading = await Reading.start()
    await reading.write(sent(891) + statement(900, 'select 1'))
    assert.deepEqual(answer(reading, askOf(893, 'task')), { pending: true })
  })

  test('calls no link exact where lines were not understood, alone or among others', async () => {
    const whole = statement(20_000, 'select 0')
    for (const [before, method] of [
      [[whole], 'command'],
      [['no json\n', whole], 'time'],
      [[`no json\n${whole}`], 'time'],
    ] as const) {
      await using reading = await Reading.start()
      for (const text of before) await reading.write(text)
      const slow = { message: 'duration: 100.000 ms  statement: select 1' }
      await reading.write(sent(20_410) + line(20_500, slow))
      reading.now = noon + 60_000
      const found = await eventually('all is read that may be the parent', () => {
        const said = answer(reading, { ...askOf(20_412, 'task'), endedAt: noon + 20_490 })
        return said === undefined || 'pending' in said ? undefined : said
      })
      assert.equal('method' in found && found.method, method)
    }
  })
})

// The log of real servers, followed while they write it: nothing is missing, nothing comes twice, and every line is understood.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { eventually } from '../../../deploy/local/eventually.ts'
import { startPostgres } from '../../../deploy/local/lone-server.ts'
import type { LoneServer } from '../../../deploy/local/lone-server.ts'
import { LogFollower } from '../../../exporters/statements/follow.ts'
import type { FollowerFigures } from '../../../exporters/statements/follow.ts'
import { LogRecords } from '../../../exporters/statements/log-records.ts'
import type { LogRecord } from '../../../exporters/statements/statement.ts'
import { fileTree } from '../../support/file-trees.ts'

/** Follows a server's log from before its first line on, by hints and timers, and keeps all records. */
class Following implements AsyncDisposable {
  readonly records: LogRecord[] = []
  readonly reader = new LogRecords()
  readonly #folder: string
  readonly #record: string
  #end = new AbortController()
  #running: Promise<void>
  #follower: LogFollower

  constructor(folder: string, record: string) {
    this.#folder = folder
    this.#record = record
    this.#follower = this.#make()
    this.#running = this.#run()
  }

  get figures(): FollowerFigures {
    return this.#follower.figures
  }

  async restart(): Promise<void> {
    await this.#stop()
    this.#end = new AbortController()
    this.#follower = this.#make()
    this.#running = this.#run()
  }

  /** The first record that has this in its message. */
  async comes(word: string): Promise<LogRecord> {
    return await eventually(`the log has ${word}`, () => this.records.find(({ message }) => message.includes(word)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop()
  }

  async #stop(): Promise<void> {
    this.#end.abort()
    await this.#running
  }

  #make(): LogFollower {
    return new LogFollower({ folder: this.#folder, record: this.#record, now: () => performance.now() })
  }

  async #run(): Promise<void> {
    await this.#follower.run((batch) => void this.records.push(...this.reader.read(batch)), this.#end.signal)
  }
}

interface Logged extends AsyncDisposable {
  readonly server: LoneServer
  readonly log: Following
  readonly folder: string
}

async function startLogged(extension = false): Promise<Logged> {
  const settings = {
    logging_collector: 'on',
    log_destination: 'jsonlog',
    log_min_duration_statement: '0',
    compute_query_id: 'on',
    // Files that are made within one second have one name.
    log_filename: 'postgresql.log',
  }
  const server = await startPostgres({ database: 'app', extension, settings })
  const tree = await fileTree()
  const folder = join(server.postgres.dataDir, 'log')
  const record = join(tree.root, 'positions.json')
  const log = new Following(folder, record)
  await eventually('the log is followed', () => existsSync(record))
  await server.postgres.query(`select 'begun'`)
  await log.comes('begun')
  return {
    server,
    log,
    folder,
    [Symbol.asyncDispose]: async () => {
      await log[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      await tree[Symbol.asyncDispose]()
    },
  }
}

/** Each session's lines, numbered by the server, without a hole or a double. */
function assertWhole(records: readonly LogRecord[]): void {
  for (const [session, lines] of Map.groupBy(records, (record) => record.session)) {
    const numbers = lines.map(({ line }) => line)
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => (numbers[0] ?? 0) + index),
      session,
    )
  }
}

suite('the log of a real server', () => {
  test('is followed through rotations, new names, restarts of the reader and of the server', async () => {
    await using logged = await startLogged()
    const { server, log, folder } = logged
    for (let round = 0; round < 4; round += 1) {
      const client = await server.postgres.connect()
      for (let index = 0; index < 90; index += 1) {
        if (index === 30) {
          await rename(join(folder, 'postgresql.json'), join(folder, `postgresql-${round}.json.1`))
          await client.query(`select 'renamed ${round}'`)
          await log.comes(`renamed ${round}`)
          await server.postgres.query('select pg_rotate_logfile()')
        }
        if (index === 60 && round === 1) await log.restart()
        await client.query(`select ${index}, 'round ${round}'`)
      }
      await client.end()
      // A file that is renamed before anybody saw it is not found.
      await log.comes(`select 89, 'round ${round}'`)
      if (round === 2) await server.postgres.restart()
    }
    await server.postgres.query(`select 'the end'`)
    await log.comes('the end')
    const rounds = log.records.flatMap(({ message }) => /select (\d+), 'round (\d)'/.exec(message)?.slice(1) ?? [])
    assert.equal(rounds.length, 2 * 4 * 90)
    assertWhole(log.records)
    assert.deepEqual([...log.reader.refused], [])
    assert.equal(log.figures.droppedBytes, 0)
  })

  test('tells what the server tells: times, sessions, exact numbers, failures, and a statement of megabytes', async () => {
    await using logged = await startLogged()
    const { server, log } = logged
    const client = await server.postgres.connect()
    await client.query(`set application_name = 'a "name", \\ and more'`)
    const { rows } = await client.query<{ pid: number; now: number; started: number; id: string }>(
      `select pid, extract(epoch from clock_timestamp()) * 1000 as now, extract(epoch from backend_start) * 1000 as started, query_id::text as id
         from pg_stat_activity where pid = pg_backend_pid()`,
    )
    const [told] = rows
    const record = await log.comes('from pg_stat_activity where pid')
    assert.equal(record.pid, told?.pid)
    assert.equal(record.queryId, told?.id)
    assert.equal(record.application, `a "name", \\ and more`)
    assert.equal(record.sessionStart, Math.floor(Number(told?.started) / 1_000) * 1_000)
    assert.ok(Math.abs(record.at - Number(told?.now)) < 5_000)
    assert.equal(record.session, `${(record.sessionStart / 1_000).toString(16)}.${record.pid.toString(16)}`)
    await assert.rejects(client.query(`select 'ä\u{1D11E}"\\n' from nothing`))
    const failed = await log.comes('"nothing" does not exist')
    assert.deepEqual(
      [failed.severity, failed.code, failed.statement],
      ['ERROR', '42P01', `select 'ä\u{1D11E}"\\n' from nothing`],
    )
    const long = `select length('${'\\"x\n'.repeat(1_000_000)}')`
    await client.query(long)
    await client.query(`select 'behind'`)
    await log.comes(`'behind'`)
    const cut = log.records.filter((one) => one.cut)
    assert.equal(cut.length, 1)
    assert.match(cut[0]?.message ?? '', /^duration: [\d.]+ ms {2}statement: select length\('/)
    assert.ok(long.includes((cut[0]?.message ?? 'x').replace(/^.*?statement: /, '')))
    assert.deepEqual([cut[0]?.application, cut[0]?.backendType], [record.application, 'client backend'])
    assert.match(cut[0]?.queryId ?? '', /^-?\d+$/)
    await client.end()
    assertWhole(log.records)
    assert.deepEqual([...log.reader.refused], [])
  })

  test('of Citus has its tasks, with the number of who sent them', async (context) => {
    await using logged = await startLogged(true)
    const { server, log } = logged
    if (!server.description.startsWith('Citus 1')) return context.skip('real-only')
    const { postgres } = server
    await postgres.query(`select citus_set_coordinator_host('localhost', ${postgres.spec.port})`)
    await postgres.query(`select citus_set_node_property('localhost', ${postgres.spec.port}, 'shouldhaveshards', true)`)
    await postgres.query('create table orders (id bigint, note text)')
    await postgres.query(`select create_distributed_table('orders', 'id', shard_count := 4)`)
    await postgres.query(`begin; set local citus.enable_local_execution to off; select count(*) from orders; commit`)
    const task = await log
      .comes('execute <unnamed>: SELECT count(*) AS count FROM public.orders_')
      .catch(async () => await log.comes('AS count FROM public.orders_'))
    assert.match(task.application, /^citus_internal gpid=\d+$/)
    assertWhole(log.records)
    assert.deepEqual([...log.reader.refused], [])
  })
})

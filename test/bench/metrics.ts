// What metrics cost, beside a postgres_exporter on the same server where there is one, and on a worker with very many shards.
import { readFileSync } from 'node:fs'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import type { StatusReport } from '../../agent/http/status-report.ts'
import { familyText } from '../../exporters/prometheus/exposition.ts'
import { gauge } from '../../probes/collection.ts'
import { PostgresExporter, withoutPostgresExporter } from '../support/postgres-exporter.ts'
import { readMetrics } from '../support/prometheus-text.ts'
import { ms, quantile } from './claim.ts'
import type { Claim, Result } from './claim.ts'
import { makeShards } from './many-shards.ts'
import { residentMegabytes } from './idle.ts'
import { timeUntil } from './poll.ts'

const scrapes = 30
/** postgres_exporter is asked as often as Prometheus usually does, milliseconds. */
const scrapeInterval = 15_000
const minute = 60_000

const wait = async (milliseconds: number): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, milliseconds))
}

async function timed(
  scrape: () => Promise<string>,
): Promise<{ readonly times: readonly number[]; readonly page: string }> {
  const times: number[] = []
  let page = ''
  for (let index = 0; index < scrapes; index += 1) {
    const begun = performance.now()
    page = await scrape()
    times.push(performance.now() - begun)
  }
  return { times, page }
}

const familiesOf = (page: string): number =>
  [...readMetrics(page)].filter(([name]) => !/^(?:process|nodejs|go|promhttp)_/.test(name)).length

/** Server time of a role in milliseconds, as pg_stat_statements counts it. */
async function serverTime(node: LocalNode, role: string): Promise<number> {
  const [row] = await node.postgres.query<{ time: number }>(
    `select coalesce(sum(s.total_exec_time + s.total_plan_time), 0)::float8 as time from pg_stat_statements s join pg_roles r on r.oid = s.userid where r.rolname = '${role}'`,
  )
  return row?.time ?? 0
}

/** Waits until each of these probes has had an answer to a question that was put after then. */
async function asked(node: LocalNode, probes: readonly string[], since = 0): Promise<StatusReport> {
  await node.sidecar.answers('/readyz')
  let status: StatusReport | undefined
  await timeUntil('everything was asked', performance.now(), async () => {
    status = JSON.parse((await node.sidecar.get('/status')).body) as StatusReport
    const { readings } = status
    return probes.every((name) => {
      const reading = readings[name as 'postgres.tables']
      return reading?.value !== undefined && reading.begunAt > since
    })
  })
  if (status === undefined) throw new Error('no status')
  return status
}

const sidecarPage = (node: LocalNode) => async (): Promise<string> => (await node.sidecar.get('/metrics')).body

export const metricsCost: Claim = {
  name: 'metrics',
  how: `a worker with 100 tables of 32 shards on two workers; ${scrapes} scrapes each of the sidecar and of postgres_exporter with its default collectors, then server time by pg_stat_statements in a minute in which postgres_exporter is scraped every ${scrapeInterval / 1_000} s`,
  run: async (agent) => {
    const missing = await withoutPostgresExporter()
    await using cluster = await startCluster({
      workers: 2,
      agent,
      postgresSettings: {
        shared_preload_libraries: 'citus,pg_stat_statements',
        'pg_stat_statements.track_planning': 'on',
        max_locks_per_transaction: '256',
      },
    })
    await makeShards(cluster, 100, 32)
    const node = cluster.node('worker-1')
    await cluster.coordinator.postgres.query('create extension pg_stat_statements')
    await cluster.coordinator.postgres.query(
      `create role exporter login password 'exporter'; grant pg_monitor to exporter`,
    )
    await node.sidecar.restart()
    await asked(node, ['postgres.tables', 'postgres.table-io', 'citus.shards'])
    const own = await timed(sidecarPage(node))
    const [sessions] = await node.postgres.query<{ held: number }>(
      `select count(*)::integer as held from pg_stat_activity where application_name in ('citus-sidecar/probe', 'citus-sidecar/sizes')`,
    )
    const results: Result[] = [
      {
        what: 'a scrape',
        value: `median ${ms(quantile(own.times, 0.5))}, ${familiesOf(own.page)} families`,
        target: undefined,
        met: undefined,
      },
      { what: 'connections that metrics hold', value: String(sessions?.held), target: '1', met: sessions?.held === 1 },
    ]
    if (missing !== false)
      return [...results, { what: 'beside postgres_exporter', value: missing, target: undefined, met: undefined }]
    await using exporter = await PostgresExporter.start(
      `host=localhost port=${node.pgPort} user=exporter password=exporter dbname=app sslmode=disable`,
      [],
    )
    const other = await timed(async () => await exporter.scrape())
    await node.postgres.query('select pg_stat_statements_reset()')
    for (const until = performance.now() + minute; performance.now() < until;) {
      await exporter.scrape()
      await wait(scrapeInterval)
    }
    const [ours, theirs] = [await serverTime(node, 'citus_sidecar'), await serverTime(node, 'exporter')]
    const [fast, slow] = [quantile(own.times, 0.5), quantile(other.times, 0.5)]
    return [
      ...results,
      {
        what: 'a scrape beside one of postgres_exporter',
        value: `median ${ms(fast)} beside ${ms(slow)}, ${familiesOf(own.page)} families beside ${familiesOf(other.page)}`,
        target: 'at most half, more families',
        met: fast <= slow / 2 && familiesOf(own.page) > familiesOf(other.page),
      },
      {
        what: 'server time in a minute',
        value: `${ms(ours)} beside ${ms(theirs)}`,
        target: 'no more',
        met: ours <= theirs,
      },
    ]
  },
}

/** Memory that the backend of the probe session has in its contexts, bytes, as the server's log tells it. */
async function backendMemory({ postgres }: LocalNode): Promise<number> {
  const [row] = await postgres.query<{ pid: number }>(
    `select pid from pg_stat_activity where application_name = 'citus-sidecar/probe'`,
  )
  await postgres.query(`select pg_log_backend_memory_contexts(${row?.pid})`)
  let total = Number.NaN
  await timeUntil('the server told', performance.now(), async () => {
    total = Number(/Grand total: (\d+) bytes/.exec(readFileSync(postgres.logFile, 'utf8'))?.[1])
    return await Promise.resolve(!Number.isNaN(total))
  })
  return total
}

async function measureShards(cluster: LocalCluster): Promise<readonly Result[]> {
  const node = cluster.node('worker-1')
  await node.sidecar.restart()
  const { readings } = await asked(node, [
    'postgres.tables',
    'postgres.table-io',
    'postgres.indexes',
    'citus.shards',
    'citus.orphans',
    'citus.fingerprints',
  ])
  // Once more: the first time a backend reads the catalogs it has nothing of them in its caches.
  const again = await asked(node, ['citus.shards', 'citus.fingerprints'], readings['citus.shards']?.takenAt)
  const took = Object.entries(again.readings).map(([name, reading]) => ({ name, time: reading?.durationMs ?? 0 }))
  const citus = took.filter(
    ({ name }) => name.startsWith('citus.') && !/\.(?:orphans|versions|local|nodes|peers)$/.test(name),
  )
  const sum = citus.reduce((all, { time }) => all + time, 0)
  const orphans = took.find(({ name }) => name === 'citus.orphans')?.time ?? Number.NaN
  const { times, page } = await timed(sidecarPage(node))
  const series = page.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length
  const memory = residentMegabytes(node.sidecar.pid ?? 0)
  const backend = await backendMemory(node)
  const scrape = quantile(times, 0.5)
  return [
    {
      what: 'all Citus families once, the search for orphans apart',
      value: ms(sum),
      target: '< 200 ms',
      met: sum < 200,
    },
    { what: 'the search for orphans', value: ms(orphans), target: '< 200 ms', met: orphans < 200 },
    { what: 'series', value: String(series), target: '< 10,000', met: series < 10_000 },
    { what: 'a scrape', value: `median ${ms(scrape)} of ${times.length}`, target: '< 20 ms', met: scrape < 20 },
    { what: 'RSS of the sidecar', value: `${memory.toFixed(0)} MB`, target: '< 130 MB', met: memory < 130 },
    {
      what: 'memory contexts of its backend',
      value: `${(backend / 2 ** 20).toFixed(1)} MB`,
      target: '< 20 MB',
      met: backend < 20 * 2 ** 20,
    },
  ]
}

export const manyShards: Claim = {
  name: 'many-shards',
  how: '1,000 tables of 16 shards, all on one worker; the sidecar is started anew, and of each probe the second look counts, from question to answer',
  run: async (agent) => {
    await using cluster = await startCluster({
      workers: 1,
      agent,
      postgresSettings: { max_locks_per_transaction: '1024' },
    })
    await makeShards(cluster, 1_000, 16)
    return await measureShards(cluster)
  },
}

export const rendering: Claim = {
  name: 'rendering',
  how: '30,000 series in 15 families written as text, 20 times, as a reading is written before it is told',
  run: async () => {
    const labels = ['schema', 'table']
    const samples = Array.from({ length: 2_000 }, (_, index) => ({
      labels: { schema: 'public', table: `table_${index}` },
      value: index / 3,
    }))
    const families = Array.from({ length: 15 }, (_, index) => ({
      spec: gauge(`family_${index}`, 'Help.', 'value', labels),
      samples,
    }))
    const times = Array.from({ length: 20 }, () => {
      const begun = performance.now()
      const length = families.reduce((sum, family) => sum + familyText(family, 'text').length, 0)
      if (length < 1_000_000) throw new Error('too little text')
      return (performance.now() - begun) / families.length
    })
    const worst = Math.max(...times)
    return await Promise.resolve([
      {
        what: 'event loop blocked by one reading of 2,000 series',
        value: `worst ${ms(worst)}, all 30,000 ${ms(quantile(times, 0.5) * families.length)}`,
        target: '< 20 ms',
        met: worst < 20,
      },
    ])
  },
}

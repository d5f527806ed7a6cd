// Runs in a pod with the sidecar's packages: clients of an application that never rests, through the poolers, until SIGTERM.
// Prints a line a second with what was done so far, and at last whether every acknowledged write is there.
import pg from 'pg'

const clients = 8
const print = (text) => void process.stdout.write(`${text}\n`)
const host = process.env.LOAD_HOST ?? 'citus-pooler'
const connection = {
  host,
  port: Number(process.env.LOAD_PORT ?? 6432),
  user: 'app',
  password: process.env.LOAD_PASSWORD,
  database: 'app',
  ssl: false,
}
const kinds = ['write', 'read', 'count', 'transaction']
const failures = []
const written = []
let transactions = 0
let longestMs = 0
let stopped = false
let nextId = 0
process.on('SIGTERM', () => {
  stopped = true
})

async function one(session, kind) {
  const id = nextId++
  if (kind === 'read') return await session.query('select n from load where id = $1', [Math.floor(id / 2)])
  if (kind === 'count') return await session.query('select count(*) from load')
  if (kind === 'write') await session.query('insert into load (id, n) values ($1, 0)', [id])
  else {
    await session.query('begin')
    await session.query('select n from load where id = $1', [Math.floor(id / 2)])
    await session.query('insert into load (id, n) values ($1, 1)', [id])
    await session.query('update load set n = n + 1 where id = $1', [id])
    await session.query('commit')
  }
  written.push(id)
}

async function connect() {
  const session = new pg.Client(connection)
  session.on('error', () => undefined)
  await session.connect()
  return session
}

async function work(session, kind) {
  while (!stopped) {
    const began = performance.now()
    transactions += 1
    try {
      await one(session, kind)
    } catch (error) {
      failures.push(`${new Date().toISOString()} ${kind}: ${error.message}`)
      if (failures.length > 100) break
      await session.query('rollback').catch(() => undefined)
    }
    longestMs = Math.max(longestMs, performance.now() - began)
  }
  await session.end().catch(() => undefined)
}

const say = (done) =>
  print(JSON.stringify({ done, transactions, failed: failures.length, failures: failures.slice(0, 10), longestMs }))
const telling = setInterval(() => say(false), 1_000)
const sessions = await Promise.all(Array.from({ length: clients }, connect))
await Promise.all(sessions.map((session, index) => work(session, kinds[index % kinds.length])))
clearInterval(telling)
const check = await connect()
const there = new Set((await check.query('select id from load')).rows.map(({ id }) => Number(id)))
await check.end()
const missing = written.filter((id) => !there.has(id)).length
print(
  JSON.stringify({
    done: true,
    transactions,
    failed: failures.length,
    failures: failures.slice(0, 10),
    longestMs,
    missing,
  }),
)

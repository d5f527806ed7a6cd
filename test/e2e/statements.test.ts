// Statements as real servers log them: each is told once, and what Citus does for it is the same on both nodes.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import { shaper } from '../../exporters/statements/shape.ts'
import { startPostgres } from '../../deploy/local/lone-server.ts'
import { assembled, logging, logLines } from '../support/statement-log.ts'
import { assertDistributed, assertPlain } from '../support/statement-claims.ts'
import { recordDistributed, recordPlain, run, startLogged } from '../support/statement-scenarios.ts'
import { eventually } from '../../deploy/local/eventually.ts'

test('what one server logs', async () => assertPlain(await recordPlain()))

suite('what a cluster logs', () => {
  let cluster: LocalCluster
  before(async () => {
    cluster = await startLogged()
  })
  after(async () => await cluster.down())

  test('of tasks has the same places on both nodes', async (t) => {
    if (cluster.kind !== 'citus') return t.skip('real Citus only: the stand-in sends no tasks')
    assertDistributed(await recordDistributed(cluster, [cluster.coordinator, ...cluster.workers.slice(0, 1)]))
  })
})

/** Statements that PostgreSQL takes for alike, and such that it does not. */
const alike: readonly (readonly [one: string, other: string])[] = [
  ["select * from t where a = 1 and b = 'x'", "SELECT * FROM t WHERE a = -27 and b = E'it\\'s'"],
  ['select * from t where a = 1', 'select *  from t /* comment */ where a = 2 -- comment'],
  ["select * from t where a = '1'::int", "select * from t where a = '2'::int"],
  ['select * from t where a in (1, 2)', 'select * from t where a in (3, 4)'],
  ["insert into t values (1, 'x')", "insert into t values (2, $$y'$$)"],
  ['select a + 1 from t limit 1', 'select a + 2 from t limit 5'],
  ['select a is null, true from t', 'select a is null, false from t'],
  ["update t set b = 'x' where a = 1", "update t set b = U&'d\\0061t' where a = 0"],
]
const different: readonly (readonly [one: string, other: string])[] = [
  ['select a from t', 'select b from t'],
  ['select a from t where a = 1', 'select a from t where a <> 1'],
  ['select a from t where a is null', 'select a from t where a is not null'],
  ['select a from t', 'select a from t for update'],
  ['select a from t', 'delete from t'],
  ['select a from t', 'select a from u'],
  ["select '1'::text from t", 'select a::text from t'],
]

test('shapes are alike where PostgreSQL’s own query ids are', async () => {
  await using server = await startPostgres({ settings: logging })
  const { postgres } = server
  await postgres.query('create table t (a int, b text); create table u (a int, b text)')
  const texts = [...alike, ...different].flat()
  await run(
    postgres,
    texts.map((text) => ({ text })),
  )
  const found = await eventually('all are logged', () => {
    const told = assembled(logLines(postgres.dataDir)).statements
    return texts.every((text) => told.some((one) => one.text === text)) ? told : undefined
  })
  const shapeOf = shaper(() => undefined)
  const of = (text: string): readonly [query: string | undefined, shape: string] => {
    const statement = found.find((one) => one.text === text)
    assert.ok(statement, text)
    return [statement.queryId, shapeOf(statement).id]
  }
  for (const [one, other] of alike) {
    assert.equal(of(one)[0], of(other)[0], `PostgreSQL tells ${one} and ${other} apart`)
    assert.equal(of(one)[1], of(other)[1], `${one} and ${other} have two shapes`)
  }
  for (const [one, other] of different) {
    assert.notEqual(of(one)[0], of(other)[0], `PostgreSQL takes ${one} for ${other}`)
    assert.notEqual(of(one)[1], of(other)[1], `${one} and ${other} have one shape`)
  }
})

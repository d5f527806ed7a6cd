// The last hour by shape: sums are right whatever there was no room for, and memory ends.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { ShapeWindow } from '../../../exporters/statements/shape-window.ts'
import type { TopCounts, TopOrder, TopQuery } from '../../../exporters/statements/top-report.ts'
import { commandTo, ended, shapeOf, statementOf } from '../../support/ended-statements.ts'

const minute = 60_000
const asked: TopQuery = { minutes: 10, by: 'total', limit: 20, kind: 'client' }

const idsOf = ({ shapes }: TopCounts): readonly string[] => shapes.map(({ id }) => id)

/** A window at a time that the test sets. */
function windowAt(start = ended): { readonly window: ShapeWindow; readonly clock: { now: number } } {
  const clock = { now: start }
  return { window: new ShapeWindow(() => clock.now), clock }
}

suite('the window of shapes', () => {
  test('tells of each how often, how long, how it failed, and where it went', () => {
    const { window } = windowAt()
    const distributed = { commands: [commandTo('worker-1:5432'), commandTo('worker-2:5432'), commandTo(undefined)] }
    window.add(statementOf(10, distributed), shapeOf('orders'))
    window.add(statementOf(30, { commands: [commandTo(undefined)] }), shapeOf('orders'))
    window.add(statementOf(5, { failed: '23505', startEstimated: true }), shapeOf('orders'))
    const [orders] = window.top(asked).shapes
    assert.deepEqual(
      { ...orders, p95Ms: Math.round(orders?.p95Ms ?? 0) },
      {
        ...shapeOf('orders'),
        count: 3,
        errors: 1,
        codes: { 23_505: 1 },
        totalMs: 40,
        meanMs: 20,
        p95Ms: 30,
        maxMs: 30,
        distributed: 1,
        tasks: 4,
        shards: {},
      },
    )
  })

  test('does not guess how long it took where nobody knows when it began', () => {
    const { window } = windowAt()
    window.add(statementOf(5_000, { failed: '42601', startEstimated: true }), shapeOf('orders'))
    const { meanMs, p95Ms, maxMs, totalMs } = window.top(asked).all
    assert.deepEqual({ meanMs, p95Ms, maxMs, totalMs }, { meanMs: null, p95Ms: null, maxMs: null, totalMs: 0 })
  })

  const orders: Readonly<Record<TopOrder, readonly string[]>> = {
    total: ['often', 'slow', 'wrong'],
    mean: ['slow', 'wrong', 'often'],
    p95: ['slow', 'wrong', 'often'],
    count: ['often', 'wrong', 'slow'],
    errors: ['wrong', 'often', 'slow'],
  }
  for (const [by, expected] of Object.entries(orders))
    test(`is ordered by ${by}`, () => {
      const { window } = windowAt()
      for (let times = 0; times < 600; times += 1) window.add(statementOf(1), shapeOf('often'))
      window.add(statementOf(500), shapeOf('slow'))
      for (let times = 0; times < 2; times += 1) window.add(statementOf(100, { failed: '23505' }), shapeOf('wrong'))
      assert.deepEqual(idsOf(window.top({ ...asked, by: by as TopOrder })), expected)
    })

  test('keeps statements and tasks apart, names the shards of these, and leaves out upkeep', () => {
    const { window } = windowAt()
    window.add(statementOf(1), shapeOf('orders'))
    for (let shard = 0; shard < 10; shard += 1)
      window.add(statementOf(2, { kind: 'task' }), shapeOf('orders', [`10200${shard}`]))
    window.add(statementOf(9, { kind: 'internal' }), shapeOf('pg_prepared_xacts'))
    assert.equal(window.top(asked).all.totalMs, 1)
    const { all, shapes } = window.top({ ...asked, kind: 'task' })
    assert.equal(all.totalMs, 20)
    assert.equal(Object.keys(shapes[0]?.shards ?? {}).length, 9)
    assert.equal(shapes[0]?.shards['other'], 2)
  })

  test('looks back as many minutes as it is asked, and an hour at most', () => {
    const { window, clock } = windowAt()
    for (let at = 0; at <= 70; at += 1) {
      clock.now = ended + at * minute
      window.add(statementOf(1, { endedAt: clock.now }), shapeOf('orders'))
    }
    const told = (minutes: number): readonly number[] => {
      const { from, to, all } = window.top({ ...asked, minutes })
      return [(to - from) / minute, all.count]
    }
    assert.deepEqual(
      [told(1), told(10), told(60)],
      [
        [1, 2],
        [10, 11],
        [60, 61],
      ],
    )
  })

  test('counts a statement in the minute in which it ended, and not what is too long ago', () => {
    const { window, clock } = windowAt()
    clock.now += 5 * minute
    window.add(statementOf(1, { endedAt: ended - minute }), shapeOf('late'))
    window.add(statementOf(1, { endedAt: clock.now + 90 * minute }), shapeOf('ahead'))
    window.add(statementOf(1, { endedAt: clock.now - 61 * minute }), shapeOf('long ago'))
    assert.deepEqual(idsOf(window.top({ ...asked, minutes: 1 })), ['ahead'])
    const all = window.top({ ...asked, minutes: 60 })
    assert.deepEqual([idsOf(all).toSorted(), all.from], [['ahead', 'late'], ended - minute])
  })

  test('adds up, however many shapes there are and whatever is shown', () => {
    const statement = fc.record({
      shape: fc.integer({ min: 0, max: 400 }),
      ms: fc.integer({ min: 0, max: 10_000 }),
      failed: fc.constantFrom(undefined, '23505', '40P01'),
      at: fc.integer({ min: 0, max: 3 * minute }),
    })
    fc.assert(
      fc.property(
        fc.array(statement, { maxLength: 1_000, size: 'max' }),
        fc.integer({ min: 1, max: 100 }),
        (all, limit) => {
          const { window, clock } = windowAt()
          clock.now = ended + 3 * minute
          for (const { shape, ms, failed, at } of all)
            window.add(statementOf(ms, { failed, endedAt: ended + at }), shapeOf(`t${shape}`))
          const told = window.top({ ...asked, limit })
          assert.ok(told.shapes.length <= limit)
          for (const sums of [[told.all], [...told.shapes, told.other]]) {
            const sum = (of: 'count' | 'errors' | 'totalMs'): number => sums.reduce((so, one) => so + one[of], 0)
            assert.equal(sum('count'), all.length)
            assert.equal(sum('errors'), all.filter(({ failed }) => failed !== undefined).length)
            assert.ok(Math.abs(sum('totalMs') - all.reduce((so, { ms }) => so + ms, 0)) < 1e-3)
          }
        },
      ),
      { numRuns: 30 },
    )
  })

  test('has a seat for what takes more than its share, however many others come, and a bounded number of others', () => {
    const { window } = windowAt()
    const shapes = 100_000
    const long = 'x'.repeat(10_000)
    for (let shape = 0; shape < shapes; shape += 1) {
      window.add(statementOf(1), { ...shapeOf(`t${shape}`), text: `${long}${shape}` })
      if (shape % 20 === 0) window.add(statementOf(5), shapeOf('heavy'))
    }
    const { all, shapes: told } = window.top({ ...asked, limit: 100 })
    assert.equal(all.count, shapes + shapes / 20)
    assert.equal(told.length, 100)
    assert.deepEqual([told[0]?.id, told[0]?.count], ['heavy', shapes / 20])
    assert.ok(told.every(({ text }) => text.length <= 500))
    assert.equal(window.heaviest('client').length, 200)
  })

  test('keeps of a minute that is over the heaviest shapes by themselves, and all sums', () => {
    const { window, clock } = windowAt()
    for (let shape = 0; shape < 200; shape += 1) window.add(statementOf(shape), shapeOf(`t${shape}`))
    assert.equal(window.top({ ...asked, limit: 100 }).shapes.length, 100)
    clock.now += minute
    window.add(statementOf(1, { endedAt: clock.now }), shapeOf('next'))
    const { shapes, all } = window.top({ ...asked, limit: 100 })
    assert.equal(shapes.length, 51)
    assert.deepEqual([shapes[0]?.id, shapes[49]?.id], ['t199', 't150'])
    assert.deepEqual([all.count, all.totalMs], [201, (199 * 200) / 2 + 1])
  })
})

// Counters of shapes: few, never falling, and adding up to all there was, whoever has a seat.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { durationBounds } from '../../../exporters/statements/figures.ts'
import { ShapeCounters } from '../../../exporters/statements/shape-counters.ts'
import { ShapeStatistics } from '../../../exporters/statements/shape-statistics.ts'
import { commandTo, ended, shapeOf, statementOf } from '../../support/ended-statements.ts'

/** Counts by shape. */
function countsOf(counters: ShapeCounters): Readonly<Record<string, number>> {
  return Object.fromEntries(counters.shapes.map(({ shape, count }) => [shape, count]))
}

function add(counters: ShapeCounters, ...ids: readonly string[]): void {
  for (const id of ids) counters.add(statementOf(1), shapeOf(id))
}

suite('counters of shapes', () => {
  test('are those of the shapes themselves while there is room', () => {
    const counters = new ShapeCounters('client', 2)
    add(counters, 'a', 'b', 'c', 'a', 'd')
    assert.deepEqual(countsOf(counters), { a: 2, b: 1, other: 2 })
  })

  test('go to heavier shapes for a reason, from zero, and nothing of `other` goes with them', () => {
    const counters = new ShapeCounters('client', 2)
    add(counters, 'a', 'b', 'c', 'c')
    counters.seat([shapeOf('a'), shapeOf('b'), shapeOf('c')])
    assert.deepEqual(countsOf(counters), { a: 1, b: 1, other: 2 }, 'the third of two is not far enough below')
    counters.seat([shapeOf('c'), shapeOf('a'), shapeOf('b')])
    assert.deepEqual(countsOf(counters), { a: 1, c: 0, other: 2 })
    add(counters, 'b', 'c')
    assert.deepEqual(countsOf(counters), { a: 1, c: 1, other: 3 })
  })

  test('stay with a shape that rests while nobody needs its seat', () => {
    const counters = new ShapeCounters('client', 2)
    add(counters, 'a', 'b')
    counters.seat([shapeOf('b')])
    assert.deepEqual(countsOf(counters), { a: 1, b: 1, other: 0 })
  })

  test('never fall, and their increases add up', () => {
    const step = fc.record({
      ran: fc.array(fc.integer({ min: 0, max: 12 })),
      order: fc.shuffledSubarray([...Array(13).keys()]),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const counters = new ShapeCounters('client', 3)
        let before: Readonly<Record<string, number>> = {}
        for (const { ran, order } of steps) {
          add(counters, ...ran.map(String))
          const now = countsOf(counters)
          const grown = Object.entries(now).map(([shape, count]) => count - (before[shape] ?? 0))
          assert.ok(grown.every((by) => by >= 0))
          assert.equal(
            grown.reduce((sum, by) => sum + by, 0),
            ran.length,
          )
          assert.ok(Object.keys(now).length <= 4)
          counters.seat(order.map((one) => shapeOf(String(one))))
          before = countsOf(counters)
        }
      }),
    )
  })

  test('have time, errors and tasks', () => {
    const counters = new ShapeCounters('client')
    counters.add(statementOf(1_500, { commands: [commandTo('w:5432'), commandTo('w:5432')] }), shapeOf('a'))
    counters.add(statementOf(9, { failed: '23505', startEstimated: true }), shapeOf('a'))
    const [a, other] = counters.shapes
    assert.deepEqual(a, {
      kind: 'client',
      shape: 'a',
      summary: 'SELECT a',
      count: 2,
      seconds: 1.5,
      errors: 1,
      tasks: 2,
    })
    assert.equal(other?.tasks, undefined)
  })

  test('have each duration in the bucket whose bound it does not exceed', () => {
    const counters = new ShapeCounters('task')
    for (const seconds of [0, ...durationBounds, 11])
      counters.add(statementOf(seconds * 1_000, { kind: 'task' }), shapeOf('a'))
    assert.deepEqual(counters.durations.counts, [2, ...durationBounds.slice(1).map(() => 1), 1])
  })
})

suite('all that is counted', () => {
  test('has the heaviest of 100,000 shapes by themselves, and upkeep only as one', () => {
    let now = ended
    const statistics = new ShapeStatistics(() => now)
    for (let shape = 0; shape < 100_000; shape += 1) {
      statistics.add(statementOf(1), shapeOf(`t${shape}`))
      statistics.add(statementOf(1, { kind: 'internal' }), shapeOf(`t${shape}`))
    }
    for (let times = 0; times < 2; times += 1) {
      statistics.add(statementOf(60_000), shapeOf('heavy'))
      statistics.figures()
      now += 60_000
    }
    const { shapes } = statistics.figures()
    assert.equal(shapes.length, 50 + 3)
    assert.equal(shapes.find(({ shape }) => shape === 'heavy')?.count, 1, 'the first one was before it had a seat')
    assert.equal(shapes.find(({ kind }) => kind === 'internal')?.count, 100_000)
  })
})

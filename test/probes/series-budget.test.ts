// Who has a series: the most important, and seats change hands only for a reason.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { SeriesBudget } from '../../probes/series-budget.ts'

const names = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `t${index}`)

suite('a budget of series', () => {
  test('has a seat for all where they are few enough', () => {
    assert.deepEqual([...new SeriesBudget(4).seat(names(4))], names(4))
  })

  test('keeps those that were told while they are nearly important enough', () => {
    const budget = new SeriesBudget(4)
    assert.deepEqual([...budget.seat(names(9))], ['t0', 't1', 't2', 't3'])
    // t3 falls to the fifth place and to the sixth, and t4 takes its seat only when it is the seventh.
    assert.ok(budget.seat(['t0', 't1', 't2', 't4', 't3', 't5', 't6']).has('t3'))
    assert.ok(budget.seat(['t0', 't1', 't2', 't4', 't5', 't3', 't6']).has('t3'))
    const last = budget.seat(['t0', 't1', 't2', 't4', 't5', 't6', 't3'])
    assert.deepEqual([...last].toSorted(), ['t0', 't1', 't2', 't4'])
  })

  test('lets in at once what is among the first half', () => {
    const budget = new SeriesBudget(4)
    budget.seat(names(9))
    assert.deepEqual([...budget.seat(['t8', 't0', 't1', 't2', 't3'])].toSorted(), ['t0', 't1', 't2', 't8'])
  })
})

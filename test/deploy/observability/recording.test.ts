// Every recording rule is named as Prometheus wants it, asks for what there is, is tried, and is on the page.
import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { suite, test } from 'node:test'
import { selectorsOf } from '../../support/alert-rules.ts'
import { page, rowsUnder } from '../../support/documents.ts'
import { assertExported, labelsOf } from '../../support/exported-metrics.ts'
import { recordingFiles, recordingRules, recordingTestFiles, recordingTests } from '../../support/recording-rules.ts'

const rules = recordingRules()
const trials = recordingTests()
const names = rules.map(({ record }) => record)

suite('a recording rule', () => {
  test('has a name of its own', () => {
    assert.ok(names.length > 20)
    assert.equal(new Set(names).size, names.length)
  })

  for (const { record, expr } of rules) {
    // https://prometheus.io/docs/practices/rules/#naming
    test(`${record} is named by level, metric and operations`, () => {
      assert.match(
        record,
        /^(?:cluster|cluster_kind|cluster_table|instance|instance_kind):(?:citus|pg)_[a-z_]+:[a-z0-9_]+$/,
      )
      const by = [...expr.matchAll(/\bby \(([^)]*)\)/g)].map(([, labels = '']) => labels)
      const level = record.split(':')[0]
      if (level === 'instance_kind')
        assert.ok(by.every((labels) => /^job, namespace, instance, kind(, le)?$/.test(labels)))
      else if (level === 'instance') assert.ok(by.every((labels) => labels === 'job, namespace, instance'))
      else assert.ok(by.every((labels) => labels.startsWith('job, namespace') && !labels.includes('instance')))
    })

    test(`${record} asks for metrics and labels that there are`, () => {
      const selectors = selectorsOf(expr)
      assert.ok(selectors.length > 0)
      for (const { metric, matchers } of selectors)
        if (!names.includes(metric))
          assertExported(
            metric,
            matchers.map(({ label }) => label),
            record,
          )
    })

    test(`${record} is tried`, () => {
      const tried = trials.flatMap((one) => one.promql_expr_test.filter((expression) => expression.expr === record))
      assert.ok(tried.length > 0)
    })
  }

  test('is tried on series that a scrape may have', () => {
    for (const { name, input_series: series } of trials)
      for (const { metric, matchers } of series.flatMap((one) => selectorsOf(one.series))) {
        const labels = matchers.map(({ label }) => label)
        assertExported(metric, labels, `the test "${name}"`)
        for (const label of labelsOf(metric) ?? [])
          assert.ok(labels.includes(label), `${name}: ${metric} lacks ${label}`)
      }
  })

  test('is tried in the file of the same name as its own', () => {
    assert.deepEqual(
      recordingTestFiles.map((path) => basename(path)),
      recordingFiles.map((path) => basename(path)),
    )
  })

  test('is on the page with what it is for', () => {
    const rows = rowsUnder(page('deploy/observability/README.md'), 'record', 'is')
    assert.deepEqual(
      rows.map(({ cells }) => cells['record']),
      names,
    )
    for (const { cells } of rows) assert.notEqual(cells['is'], '', cells['record'])
  })
})

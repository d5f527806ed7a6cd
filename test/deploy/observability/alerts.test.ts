// Every alert is complete, asks for what the sidecar exports, is tried both ways, and leads the one on call somewhere.
import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { basename } from 'node:path'
import { suite, test } from 'node:test'
import { holdOutcomes } from '../../../exporters/leaving.ts'
import { allProbes, poolerProbes } from '../../../probes/index.ts'
import { alertRules, ruleFiles, selectorsOf, unitTestFiles, unitTests } from '../../support/alert-rules.ts'
import { page, root, rowsUnder } from '../../support/documents.ts'
import { assertExported, labelsOf } from '../../support/exported-metrics.ts'
import { probeLimits } from '../../support/probe-limits.ts'

const rules = alertRules()
const trials = unitTests()
const names = rules.map(({ alert }) => alert)

/** What labels may say; of the others any value will do. */
const known: Readonly<Record<string, readonly string[]>> = {
  // Of holds, and of statements.
  kind: ['pool', 'node', 'client', 'task', 'internal'],
  outcome: [...holdOutcomes, 'complete', 'undone', 'cancelled', 'done', 'skipped'],
  probe: [
    ...allProbes(probeLimits, () => ({ message: '', code: undefined, timedOut: false })),
    ...poolerProbes(probeLimits),
  ]
    .map(({ name }): string => name)
    // Own queries, whatever they are called.
    .concat('query.+'),
  check: rowsUnder(page('docs/probes.md'), 'check', 'status').map(({ cells }) => cells['check'] ?? ''),
}

suite('an expression is read', () => {
  test('to its metrics and their labels', () => {
    const text = `max by (job, peer) (rate(a_total{x="y, {z}",k!~"(m|n)"}[5m])) > 0.75 * b and on (job) up{job="c"} == 1`
    assert.deepEqual(
      selectorsOf(text).map(({ metric, matchers }) => [
        metric,
        ...matchers.map(({ label, value }) => `${label} ${value}`),
      ]),
      [['a_total', 'x y, {z}', 'k (m|n)'], ['b'], ['up', 'job c']],
    )
  })
})

suite('an alert', () => {
  test('has a name of its own', () => {
    assert.ok(names.length > 10)
    assert.equal(new Set(names).size, names.length)
    for (const name of names) assert.match(name, /^Citus[A-Z][A-Za-z]+$/)
  })

  for (const { alert, expr, for: pending, annotations } of rules) {
    test(`${alert} asks for metrics and labels that there are`, () => {
      const selectors = selectorsOf(expr)
      assert.ok(selectors.length > 0)
      for (const { metric, matchers } of selectors) {
        assertExported(
          metric,
          matchers.map(({ label }) => label),
          alert,
        )
        for (const { label, value } of matchers)
          for (const one of value.split('|'))
            if (known[label] !== undefined) assert.ok(known[label].includes(one), `${alert}: no ${label} is ${one}`)
      }
    })

    test(`${alert} says of whom it speaks, what is wrong and what to do`, () => {
      assert.match(pending, /^\d+[smh]$/)
      const { summary, description } = annotations
      assert.doesNotMatch(summary, /\.$|\n/)
      assert.ok(summary.length < 130, `${summary.length} characters are too many for a phone`)
      assert.match(description, /^[A-Z][^]*\.\s[A-Z/][^]*\.$/, 'two sentences at least')
      assert.ok(/\$labels\.(instance|member|peer)/.test(summary) || expr.startsWith('absent('), summary)
    })

    test(`${alert} leads to its page, which has the first question and what to do`, () => {
      assert.equal(annotations.runbook_url, `https://runbooks.example/citus-sidecar/${alert}.md`)
      const text = page(`deploy/runbooks/${alert}.md`)
      assert.ok(text.startsWith(`# ${alert}\n`))
      assert.match(text, /^\*\*It means\*\* that /m)
      assert.match(text, /^\*\*First question:\*\* /m)
      const rows = rowsUnder(text, 'if', 'then')
      assert.ok(rows.length > 1)
      for (const { cells } of rows) assert.ok(cells['if'] !== '' && cells['then'] !== '', JSON.stringify(cells))
    })

    test(`${alert} is tried where it fires and where it does not`, () => {
      const tried = trials.flatMap((one) => one.alert_rule_test.filter(({ alertname }) => alertname === alert))
      assert.ok(
        tried.some(({ exp_alerts: expected }) => expected.length > 0),
        'it fires in no test',
      )
      assert.ok(
        tried.some(({ exp_alerts: expected }) => expected.length === 0),
        'it is silent in no test',
      )
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
      unitTestFiles.map((path) => basename(path)),
      ruleFiles.map((path) => basename(path)),
    )
  })
})

test('a page for the one on call belongs to an alert', () => {
  const pages = globSync('deploy/runbooks/*.md', { cwd: root }).map((path) => basename(path, '.md'))
  assert.deepEqual(pages.toSorted(), names.toSorted())
})

test('deploy/observability/README.md has every alert with its severity and how long it waits', () => {
  const rows = rowsUnder(page('deploy/observability/README.md'), 'alert', 'severity', 'for')
  assert.deepEqual(
    rows.map(({ cells }) => `${cells['alert']} ${cells['severity']} ${cells['for']}`).toSorted(),
    rules
      .map(({ alert, labels, for: pending }) => `[${alert}](../runbooks/${alert}.md) ${labels.severity} ${pending}`)
      .toSorted(),
  )
  for (const { cells } of rows) assert.notEqual(cells['fires when'], '', cells['alert'])
})

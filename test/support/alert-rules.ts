// The alert rules and their unit tests, as files of Prometheus; a field that neither knows is an error.
import { globSync } from 'node:fs'
import * as z from 'zod'
import { parse } from 'yaml'
import { page, root } from './documents.ts'

/** What an alert rule of ours has: all of it. */
const ruleSchema = z.strictObject({
  alert: z.string(),
  expr: z.string(),
  for: z.string(),
  labels: z.strictObject({ severity: z.enum(['page', 'ticket']) }),
  annotations: z.strictObject({ summary: z.string(), description: z.string(), runbook_url: z.url() }),
})

const rulesSchema = z.strictObject({
  groups: z.array(z.strictObject({ name: z.string(), rules: z.array(ruleSchema) })),
})

const unitTestsSchema = z.strictObject({
  rule_files: z.array(z.string()),
  evaluation_interval: z.string(),
  tests: z.array(
    z.strictObject({
      name: z.string(),
      interval: z.string(),
      input_series: z.array(z.strictObject({ series: z.string(), values: z.string() })),
      alert_rule_test: z.array(
        z.strictObject({ eval_time: z.string(), alertname: z.string(), exp_alerts: z.array(z.unknown()).default([]) }),
      ),
    }),
  ),
})

export type AlertRule = z.infer<typeof ruleSchema>

export const ruleFiles = globSync('deploy/observability/alerts/*.yaml', { cwd: root }).toSorted()

/** Those that try these rules. */
export const unitTestFiles = globSync('test/deploy/observability/rules/*.yaml', { cwd: root }).toSorted()

/** Every alert. @throws ZodError for one that lacks something. */
export function alertRules(): readonly AlertRule[] {
  return ruleFiles.flatMap((path) => rulesSchema.parse(parse(page(path))).groups.flatMap(({ rules }) => rules))
}

/** Every unit test of them. */
export function unitTests(): z.infer<typeof unitTestsSchema>['tests'] {
  return unitTestFiles.flatMap((path) => unitTestsSchema.parse(parse(page(path))).tests)
}

/** One selector of a PromQL expression, or one series. */
export interface Selector {
  readonly metric: string
  readonly matchers: readonly { readonly label: string; readonly value: string }[]
}

const words = new Set(['and', 'or', 'unless', 'bool', 'offset', 'inf', 'nan'])
const string = String.raw`"(?:[^"\\]|\\.)*"`
/** Label lists and strings are gone before; what is left of a name is a function, a word of the language or a metric. */
const grouping = /\b(?:on|ignoring|by|without|group_left|group_right)\s*\([^)]*\)/g
const selector = new RegExp(String.raw`\b([a-zA-Z_:][\w:]*)\b(?!\s*\()(?:\{((?:${string}|[^}"])*)\})?`, 'g')
const matcher = new RegExp(String.raw`(\w+)\s*(?:=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"`, 'g')

/** The selectors of an expression. Reads what our rules are made of, not all of PromQL. */
export function selectorsOf(expression: string): readonly Selector[] {
  const text = expression.replaceAll(grouping, '').replaceAll(/\[[^\]]*\]/g, '')
  return [...text.matchAll(selector)]
    .filter(([, name = '']) => !words.has(name))
    .map(([, metric = '', inside = '']) => ({
      metric,
      matchers: [...inside.matchAll(matcher)].map(([, label = '', value = '']) => ({ label, value })),
    }))
}

// The recording rules and their unit tests, as files of Prometheus; a field that neither knows is an error.
import { globSync } from 'node:fs'
import { parse } from 'yaml'
import * as z from 'zod'
import { page, root } from './documents.ts'

const ruleSchema = z.strictObject({ record: z.string(), expr: z.string() })

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
      promql_expr_test: z.array(
        z.strictObject({ expr: z.string(), eval_time: z.string(), exp_samples: z.array(z.unknown()).min(1) }),
      ),
    }),
  ),
})

export const recordingFiles = globSync('deploy/observability/rules/*.yaml', { cwd: root }).toSorted()

/** Those that try these rules. */
export const recordingTestFiles = globSync('test/deploy/observability/recording/*.yaml', { cwd: root }).toSorted()

/** Every rule. @throws ZodError for one that has something else than a name and an expression. */
export function recordingRules(): readonly z.infer<typeof ruleSchema>[] {
  return recordingFiles.flatMap((path) => rulesSchema.parse(parse(page(path))).groups.flatMap(({ rules }) => rules))
}

/** Every unit test of them. */
export function recordingTests(): z.infer<typeof unitTestsSchema>['tests'] {
  return recordingTestFiles.flatMap((path) => unitTestsSchema.parse(parse(page(path))).tests)
}

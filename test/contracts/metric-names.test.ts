// Every metric whose name is ours is named, typed and described as Prometheus wants it, whether a healthy server tells it or not.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { familyText } from '../../exporters/prometheus/exposition.ts'
import { metrics } from '../../exporters/prometheus/metrics.ts'
import { everyFamily } from '../../probes/collections.ts'
import { complaintsOf, withoutPromtool } from '../support/promtool.ts'

const families = new Map([...everyFamily(), ...metrics].map((spec) => [spec.name, spec]))

const histogram = [
  { suffix: '_bucket', labels: { le: Number.POSITIVE_INFINITY }, value: 1 },
  { suffix: '_sum', value: 1 },
  { suffix: '_count', value: 1 },
] as const

/** Each with a sample. */
const everything = [...families.values()]
  .map((spec) => {
    const labels = Object.fromEntries(spec.labels.map((label) => [label, 'any']))
    return familyText({ spec, samples: spec.type === 'histogram' ? histogram : [{ labels, value: 1 }] }, 'text')
  })
  .join('')

suite('promtool', { skip: withoutPromtool }, () => {
  test('has nothing against any metric of ours', async () => {
    assert.ok(families.size > 200)
    assert.deepEqual(await complaintsOf(everything), [])
  })

  test('would have', async () => {
    const wrong = familyText(
      { spec: { name: 'citus_waits_total', help: 'Waits.', type: 'gauge' }, samples: [{ value: 1 }] },
      'text',
    )
    assert.match((await complaintsOf(everything + wrong)).join(), /citus_waits_total/)
  })
})

// Reads Prometheus' text format strictly: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
import assert from 'node:assert/strict'

/** One metric with its samples: the series as written, and the value. */
export interface Family {
  readonly help: string
  readonly type: string
  readonly samples: ReadonlyMap<string, number>
}

const name = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const label = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\n"])*"`
const comment = new RegExp(String.raw`^# (HELP|TYPE) (${name}) (\S.*)$`)
const sample = new RegExp(String.raw`^((${name})(?:\{${label}(?:,${label})*\})?) (\S+)$`)
// What Go's ParseFloat reads, in any case: prom-client writes Nan where a sidecar's event loop has not been sampled yet.
const number = /^(?:[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:e[+-]?\d+)?|nan|[+-]inf)$/i

/** Every metric by name. @throws AssertionError for a line that is none, a sample without HELP and TYPE, or a series written twice. */
export function readMetrics(text: string): ReadonlyMap<string, Family> {
  assert.match(text, /\n$/)
  const families = new Map<string, { help: string; type: string; samples: Map<string, number> }>()
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const [, kind, about = '', rest = ''] = comment.exec(line) ?? []
    if (kind === 'HELP') {
      assert.ok(!families.has(about), `${about} is described twice`)
      families.set(about, { help: rest, type: '', samples: new Map() })
      continue
    }
    if (kind === 'TYPE') {
      const family = families.get(about)
      assert.ok(family?.type === '', `a type without help, or a second one: ${line}`)
      assert.match(rest, /^(?:counter|gauge|histogram|summary|untyped)$/)
      family.type = rest
      continue
    }
    const [, series = '', full = '', value = ''] = sample.exec(line) ?? []
    assert.match(value, number, `no sample: ${line}`)
    const base = full.replace(/_(?:bucket|sum|count)$/, '')
    const family = families.get(full) ?? families.get(base)
    assert.ok(family !== undefined && family.type !== '', `a sample without help and type: ${line}`)
    assert.ok(
      families.has(full) || /^(?:histogram|summary)$/.test(family.type),
      `${full} is no part of a ${family.type}`,
    )
    assert.ok(!family.samples.has(series), `${series} is written twice`)
    family.samples.set(series, Number(value.replace('Inf', 'Infinity')))
  }
  return families
}

/** What a sidecar tells now. */
export async function metricsOf(sidecar: {
  get(path: string): Promise<{ readonly body: string }>
}): Promise<ReadonlyMap<string, Family>> {
  return readMetrics((await sidecar.get('/metrics')).body)
}

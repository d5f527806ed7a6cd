// Families of samples -> the two text formats of Prometheus
// (https://prometheus.io/docs/instrumenting/exposition_formats/, https://prometheus.io/docs/specs/om/open_metrics_spec/).

import type { Exemplar, Sample } from './sample.ts'

/** What a scraper asks for. */
export type Format = 'text' | 'openmetrics'

export const contentTypes: Readonly<Record<Format, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

type FamilyType = 'counter' | 'gauge' | 'histogram' | 'unknown'

/** A family as both formats need it. */
export interface WrittenFamily {
  readonly spec: { readonly name: string; readonly help: string; readonly type?: FamilyType }
  readonly samples: readonly Sample[]
}

/** One family; empty without samples, for then there is nothing to tell. */
export function familyText({ spec, samples }: WrittenFamily, format: Format): string {
  if (samples.length === 0) return ''
  const { name, help, type = 'gauge' } = spec
  const lines = samples.map(({ suffix = '', labels = {}, value, exemplar }) => {
    const pairs = Object.entries(labels).map(
      ([label, text]) => `${label}="${typeof text === 'number' ? boundText(text, format) : escape(text)}"`,
    )
    const told = exemplar === undefined || format === 'text' ? '' : exemplarText(exemplar)
    return `${name}${suffix}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${numberText(value)}${told}\n`
  })
  const head =
    format === 'text'
      ? `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type === 'unknown' ? 'untyped' : type}\n`
      : openMetricsHead(name, help, type)
  return head + lines.join('')
}

/** A counter is called without its _total there; one that has no _total keeps its name, which dashboards know, as a thing of unknown type. */
function openMetricsHead(name: string, help: string, type: FamilyType): string {
  const isCounter = type === 'counter' && name.endsWith('_total')
  const family = isCounter ? name.slice(0, -'_total'.length) : name
  const written = type === 'counter' && !isCounter ? 'unknown' : type
  return `# HELP ${family} ${escape(help)}\n# TYPE ${family} ${written}\n`
}

/** OpenMetrics wants a bound to look like no whole number: https://prometheus.io/docs/specs/om/open_metrics_spec/#considerations-canonical-numbers */
function boundText(bound: number, format: Format): string {
  return format === 'openmetrics' && Number.isInteger(bound) ? bound.toFixed(1) : numberText(bound)
}

function exemplarText({ labels, value, at }: Exemplar): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escape(text)}"`)
  return ` # {${pairs.join(',')}} ${numberText(value)} ${at / 1_000}`
}

function escape(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
}

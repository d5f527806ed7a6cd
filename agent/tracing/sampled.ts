// Probes and scrapes make no spans, for there are too many of them; those that a person names do, as often as that person says.
import { context, ROOT_CONTEXT } from '@opentelemetry/api'
import { PerMinute } from '../../exporters/per-minute.ts'
import { SidecarError } from '../errors.ts'
import { inSpan } from './operation-trace.ts'

/** Does something, in a span of its own where `name` is sampled now. */
export type Sampled = <T>(name: string, span: string, work: () => Promise<T>) => Promise<T>

/** Whatever is asked for: of one name no more are told in a minute. */
const mostPerMinute = 60

/** The name of what is no probe: a scrape. */
const scrapes = 'metrics'

/** `shares`: by name, 0 to 1; `elapsed` in milliseconds, never back. @throws SidecarError CONFIG_INVALID where a name is none. */
export function sampledBy(
  shares: ReadonlyMap<string, number> = new Map(),
  probes: readonly { readonly name: string }[],
  random: () => number,
  elapsed: () => number,
): Sampled {
  const known = [scrapes, ...probes.map(({ name }) => name)]
  const unknown = [...shares.keys()].filter((name) => !known.includes(name))
  if (unknown.length > 0)
    throw new SidecarError(
      'CONFIG_INVALID',
      `CITUS_SIDECAR_TRACE_PROBES: ${unknown.join(', ')} is no probe here; allowed: ${known.toSorted().join(', ')}`,
    )
  const limits = new Map([...shares.keys()].map((name) => [name, new PerMinute(mostPerMinute)]))
  const isDue = (name: string): boolean =>
    random() < (shares.get(name) ?? 0) && limits.get(name)?.take(1, elapsed()) === true
  return async (name, span, work) =>
    isDue(name) ? await context.with(ROOT_CONTEXT, async () => await inSpan(span, {}, work)) : await work()
}

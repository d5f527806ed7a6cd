// Names of metrics that queries must not have: those that the sidecar tells itself, and those of another query.
import { metrics } from '../../exporters/prometheus/metrics.ts'
import { everyFamily } from '../../probes/collections.ts'
import { familiesOf, probeNameOf } from '../../probes/own-query.ts'
import type { OwnQuery } from '../../probes/own-query.ts'

/** All of these are the sidecar's own, whatever they will be one day: about its process, and settings by their names. */
const reserved = /^(?:citus_sidecar|process|nodejs|pg_settings)_/

/** OpenMetrics calls a counter without its _total. */
function keyOf(family: string): string {
  return family.replace(/_total$/, '')
}

/** The names of metrics that are taken, by whom. */
export class TakenNames {
  readonly #owners: Map<string, string>

  constructor() {
    const families = everyFamily().map(
      ({ name, probe }) => [keyOf(name), `the sidecar tells it itself (probe ${probe})`] as const,
    )
    const ours = metrics.map(({ name }) => [keyOf(name), 'the sidecar tells it itself'] as const)
    this.#owners = new Map([...ours, ...families])
  }

  /** Takes all names of a query, or none and says why not. */
  take(query: OwnQuery, where: string): string | undefined {
    const probe = probeNameOf(query)
    const before = this.#owners.get(probe)
    if (before !== undefined) return `${query.prefix}: is there already, ${before}; allowed: once`
    const names = familiesOf(query).map(({ name }) => name)
    for (const [index, name] of names.entries()) {
      if (reserved.test(name))
        return `${query.prefix}: the metric ${name} is not accepted; allowed: names that do not begin with citus_sidecar_, process_, nodejs_ or pg_settings_, which are the sidecar's own`
      const twin = names.slice(0, index).find((other) => keyOf(other) === keyOf(name))
      const owner =
        twin === undefined ? this.#owners.get(keyOf(name)) : `${twin} of this query has the same name in OpenMetrics`
      if (owner !== undefined)
        return `${query.prefix}: the metric ${name} is not accepted, for ${owner}; allowed: a name that nothing else has`
    }
    this.#owners.set(probe, `in ${where}`)
    for (const name of names) this.#owners.set(keyOf(name), `the query ${query.prefix} in ${where} has it`)
    return undefined
  }
}

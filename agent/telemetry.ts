// Traces, where they are switched on: the SDK is loaded then and only then, and nothing here ever delays or fails anything else.
import type { TraceFigures } from '../exporters/traces/counted-spans.ts'
import type { Traces } from '../exporters/traces/sdk.ts'
import type { Config } from './config.ts'
import { reasonOf } from './errors.ts'
import type { Report } from './events.ts'
import { endRegardless } from './lifecycle.ts'
import { version } from './version.ts'

/** At the end this long is waited for what is still to be sent, milliseconds. */
const lastWords = 2_000

export interface Telemetry extends AsyncDisposable {
  /** Undefined where traces are off. */
  readonly figures: TraceFigures | undefined
  /** For spans of others than the sidecar; undefined where traces are off. */
  readonly emitter: Traces['emitter'] | undefined
}

/** Whether traces are switched on. */
export function tracesWanted(
  config: Pick<Config, 'otelDisabled' | 'tracesExporter' | 'otlpEndpoint' | 'otlpTracesEndpoint'>,
): boolean {
  const { otelDisabled, tracesExporter, otlpEndpoint, otlpTracesEndpoint } = config
  if (otelDisabled || tracesExporter === 'none') return false
  return (tracesExporter ?? otlpEndpoint ?? otlpTracesEndpoint) !== undefined
}

const off: Telemetry = {
  figures: undefined,
  emitter: undefined,
  [Symbol.asyncDispose]: async () => await Promise.resolve(),
}

/** Switches traces on where they are wanted; to be called before pg is loaded. Disposing sends what waits, briefly. Never throws. */
export async function startTelemetry(config: Config, report: Report): Promise<Telemetry> {
  if (!tracesWanted(config)) return off
  try {
    const { startTraces } = await import('../exporters/traces/sdk.ts')
    const { spanQueue: most, spanBatch: batch, spanDelay: delay, spanTimeout: timeout } = config
    const protocol = config.otlpTracesProtocol ?? config.otlpProtocol
    let well: boolean | undefined
    const traces = await startTraces({
      protocol,
      attributes: resourceOf(config),
      queue: { most, batch, delay, timeout },
      onSent: (reason) => {
        if (well === (reason === undefined)) return
        well = reason === undefined
        if (reason === undefined) report('traces.sent')
        else report('traces.lost', { reason: reason.slice(0, 500) })
      },
    })
    return {
      get figures() {
        return traces.figures
      },
      emitter: (attributes) => traces.emitter(attributes),
      [Symbol.asyncDispose]: async () => await within(lastWords, traces.shutdown()),
    }
  } catch (error) {
    report('traces.failed', { reason: reasonOf(error) })
    return off
  }
}

/** Whose the spans of PostgreSQL's statements are: of a service of its own, on the same node. */
export function serverResource(config: Config): Readonly<Record<string, string | number>> {
  const { 'service.version': _ours, ...others } = resourceOf(config)
  const name = config.role === 'standalone' ? 'postgresql' : `citus-${config.role}`
  return { ...others, 'service.name': config.serverService ?? name }
}

/** Who makes these spans: https://opentelemetry.io/docs/specs/semconv/resource/ and what Citus knows this node as. */
function resourceOf(config: Config): Readonly<Record<string, string | number>> {
  const { node, role, clusterName, group, podName, podNamespace, podNode } = config
  const known = {
    'k8s.pod.name': podName,
    'k8s.namespace.name': podNamespace,
    'k8s.node.name': podNode,
    'citus.group.id': role === 'coordinator' ? 0 : group,
  }
  return {
    'service.name': 'citus-sidecar',
    'service.version': version,
    'service.instance.id': node,
    'citus.node.role': role,
    'citus.cluster.name': clusterName,
    ...Object.fromEntries(
      Object.entries(known).filter((one): one is [string, string | number] => one[1] !== undefined),
    ),
  }
}

async function within(limit: number, sending: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(() => {
    // A receiver that does not answer would keep the process alive for as long as it is tried.
    endRegardless()
    resolve()
  }, limit)
  // Why something could not be sent has been said.
  await Promise.race([promise, sending.catch(() => undefined)])
  clearTimeout(timer)
}

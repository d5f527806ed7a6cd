// Settings of traces: the standard variables of OpenTelemetry that the sidecar honours, and what a pod tells of itself.
import { bool, integer, oneOf, shares, text } from './setting-types.ts'
import { optional, required } from './setting.ts'

const protocol = oneOf('http/protobuf', 'http/json', 'grpc')
const endpoint = text(/^https?:\/\/[^\s/]\S*$/, 'an http:// or https:// URL')
const word = text(/^[^\s,=]{1,253}$/, 'a name of at most 253 characters without spaces')

/** Rows of the settings table, keyed by their names in Config. */
export const traceSettings = {
  otelDisabled: required('OTEL_SDK_DISABLED', bool(), 'false', 'Switches traces off, whatever else is set.'),
  tracesExporter: optional(
    'OTEL_TRACES_EXPORTER',
    oneOf('otlp', 'none'),
    'Switches traces on (otlp) or off (none); where unset they are on where an endpoint is set.',
  ),
  otlpEndpoint: optional(
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    endpoint,
    'Where an OpenTelemetry Collector receives; /v1/traces is appended for http. Switches traces on.',
  ),
  otlpTracesEndpoint: optional(
    'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    endpoint,
    'The same for traces alone, used as it is. Switches traces on.',
  ),
  otlpProtocol: required('OTEL_EXPORTER_OTLP_PROTOCOL', protocol, 'http/protobuf', 'How spans are sent.'),
  otlpTracesProtocol: optional(
    'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL',
    protocol,
    'The same for traces alone; OTEL_EXPORTER_OTLP_PROTOCOL where unset.',
  ),
  spanQueue: required(
    'OTEL_BSP_MAX_QUEUE_SIZE',
    integer(1, 65_536),
    '2048',
    'Spans that wait to be sent; those above are dropped and counted.',
  ),
  spanBatch: required('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', integer(1, 65_536), '512', 'Spans sent at once.'),
  spanDelay: required(
    'OTEL_BSP_SCHEDULE_DELAY',
    integer(0, 600_000),
    '5000',
    'How long a span waits for others before it is sent, milliseconds.',
  ),
  spanTimeout: required(
    'OTEL_BSP_EXPORT_TIMEOUT',
    integer(1, 600_000),
    '30000',
    'Longest wait for one sending of spans, milliseconds.',
  ),
  traceProbes: optional(
    'CITUS_SIDECAR_TRACE_PROBES',
    shares(),
    'Probes whose runs are told as spans, 60 a minute of each at most, and metrics for scrapes.',
  ),
  podName: optional('K8S_POD_NAME', word, 'Name of this pod, from the downward API; told as k8s.pod.name.'),
  podNamespace: optional('K8S_NAMESPACE_NAME', word, 'Its namespace; told as k8s.namespace.name.'),
  podNode: optional('K8S_NODE_NAME', word, 'The machine it runs on; told as k8s.node.name.'),
} as const

// Which of our events are told to Kubernetes too, as what: few, for people who look at the pod (`kubectl describe pod`) and not at its log.
import type { EventName } from '../events.ts'

/** An Event's own words: a reason in CamelCase, for machines, and a message. */
export interface PodEvent {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
}

type Details = Readonly<Record<string, unknown>>

/** The API takes no more in its newer form (https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/), characters. */
const longest = 1_024

function text(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''
}

function seconds(ms: unknown): string {
  return typeof ms === 'number' ? `${(ms / 1_000).toFixed(1)} s` : '?'
}

function ended({ outcome, reason, tookMs }: Details): PodEvent {
  if (outcome === 'complete')
    return { type: 'Normal', reason: 'Drained', message: `drained in ${seconds(tookMs)}; PostgreSQL may be stopped` }
  if (outcome === 'cancelled')
    return { type: 'Normal', reason: 'DrainCancelled', message: 'a person cancelled the drain; the node comes back' }
  return { type: 'Warning', reason: 'DrainIncomplete', message: `the drain left something undone: ${text(reason)}` }
}

const table: Partial<Record<EventName, (details: Details) => PodEvent>> = {
  'drain.started': ({ endsInMs }) => ({
    type: 'Normal',
    reason: 'DrainStarted',
    message: `this node is being drained, for at most ${seconds(endsInMs)}`,
  }),
  'drain.ended': ended,
  'drain.unclean': () => ({
    type: 'Warning',
    reason: 'UncleanStop',
    message: 'PostgreSQL stopped without a shutdown checkpoint and will recover: raise terminationGracePeriodSeconds',
  }),
  'drain.back': ({ waitedMs }) => ({
    type: 'Normal',
    reason: 'NodeBack',
    message: `this node is back; clients were held for ${seconds(waitedMs)}`,
  }),
  'hold.failed': ({ kind, reason }) => ({
    type: 'Warning',
    reason: 'HoldFailed',
    message: `clients could not be held (${text(kind) || 'pool'}): ${text(reason)}`,
  }),
  'join.refused': ({ code, reason, action }) => ({
    type: 'Warning',
    reason: 'JoinRefused',
    message: `${text(code)}: ${text(reason)}; ${text(action)}`,
  }),
}

/** An event as Kubernetes is told of it; undefined where it is not. */
export function podEventOf(name: EventName, details: Details): PodEvent | undefined {
  const event = table[name]?.(details)
  return event === undefined ? undefined : { ...event, message: event.message.slice(0, longest) }
}

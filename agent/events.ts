// Every event the sidecar reports: one table of name, level and sentence; each event is one log line with its details as fields.
import type { Logger } from './log.ts'
import { tellInSpan } from './tracing/told.ts'

/** The table of events; docs/events.md is held against it by a test. */
export const events = {
  started: { level: 'info', message: 'the sidecar started' },
  stopping: { level: 'info', message: 'the sidecar is stopping; PostgreSQL is not touched' },
  'verdict.changed': { level: 'info', message: 'a verdict changed' },
  'session.closed': { level: 'info', message: 'a held connection ended; it is opened again' },
  'listen.up': { level: 'info', message: 'listening on the coordinator' },
  'listen.down': { level: 'info', message: 'not listening on the coordinator; polling goes on' },
  'traces.sent': { level: 'info', message: 'spans are received again, or for the first time' },
  'traces.lost': { level: 'warn', message: 'spans could not be sent; said once until they can' },
  'traces.failed': { level: 'warn', message: 'traces could not be switched on; all else works' },
  'statements.trouble': { level: 'warn', message: "something of PostgreSQL's log cannot be read; it is tried again" },
  'statements.ended': { level: 'error', message: "the thread that reads PostgreSQL's log ended; it is started again" },
  'queries.read': { level: 'info', message: 'own queries were read: at start, or because their files changed' },
  'queries.wrong': { level: 'warn', message: 'something in the files of own queries is wrong; the others work' },
  'join.verified': { level: 'info', message: 'the coordinator confirmed this node' },
  'join.waiting': { level: 'info', message: 'joining waits' },
  'join.refused': { level: 'error', message: 'joining is refused until a person decides' },
  'join.blind': { level: 'warn', message: 'the coordinator cannot be asked about this node' },
  'join.accepted': { level: 'warn', message: 'a person accepted what was refused' },
  'operation.started': { level: 'info', message: 'an operation started' },
  'operation.succeeded': { level: 'info', message: 'an operation succeeded' },
  'operation.failed': { level: 'warn', message: 'an operation failed and is tried again' },
  'operation.stopped': { level: 'error', message: 'an operation failed and is not tried again soon' },
  'maintenance.changed': { level: 'warn', message: 'maintenance was switched' },
  'notebook.failed': { level: 'warn', message: 'the notebook could not be written' },
  'hold.pausing': { level: 'info', message: 'clients are about to be held' },
  'hold.paused': { level: 'info', message: 'clients are held' },
  'hold.busy': { level: 'info', message: 'a try to hold clients did not succeed and is repeated' },
  'hold.failed': { level: 'warn', message: 'clients could not be held' },
  'hold.resumed': { level: 'info', message: 'clients go on' },
  'hold.stuck': { level: 'error', message: 'clients cannot be resumed; it is tried again' },
  'hold.recovered': { level: 'warn', message: 'an earlier sidecar left a hold that still stands; it goes on' },
  'hold.lease-over': { level: 'warn', message: 'an earlier sidecar left a hold that is over; clients are resumed' },
  'hold.ledger': { level: 'info', message: 'the ledger does not answer about holds' },
  'pooler.left': { level: 'info', message: 'this pooler left the list of members; no hold waits for it' },
  'pooler.dns-shortened': {
    level: 'info',
    message: 'PgBouncer believes addresses for a second only while this sidecar runs',
  },
  'heartbeat.failed': { level: 'info', message: 'the heartbeat could not be written to the ledger' },
  'handshake.asked': { level: 'info', message: 'the preStop script asked for a drain' },
  'handshake.failed': { level: 'warn', message: 'the preStop script could not be answered; it is tried again' },
  'handshake.ignored': { level: 'warn', message: 'something in the handshake folder is not of the handshake' },
  'drain.started': { level: 'info', message: 'a drain began' },
  'drain.phase': { level: 'info', message: 'the drain entered another state' },
  'drain.passed': { level: 'info', message: 'a phase of the drain ended' },
  'drain.undone': { level: 'warn', message: 'a phase of the drain left something undone' },
  'drain.unsaved': { level: 'warn', message: 'the drain could not be written to the run directory' },
  'drain.ended': { level: 'info', message: 'the drain ended' },
  'drain.back': { level: 'info', message: 'the node is back and clients are no longer held for it' },
  'drain.unreached': {
    level: 'warn',
    message: 'clients are let go although the coordinator does not reach the node that is back',
  },
  'drain.stopped': { level: 'info', message: 'PostgreSQL stopped' },
  'drain.unclean': { level: 'error', message: 'PostgreSQL stopped without a shutdown checkpoint and will recover' },
  'drain.different': { level: 'warn', message: 'the cluster is not what it was before the node stopped' },
  'hold.unreleased': { level: 'warn', message: 'a hold could not be released; it is tried again and ends by itself' },
  'kubernetes.blind': { level: 'info', message: 'the Kubernetes API cannot be asked about this pod' },
  'kubernetes.grace-differs': { level: 'warn', message: 'the pod has another grace period than is configured' },
  'kubernetes.events-off': { level: 'info', message: 'Kubernetes Events may not be written; tried again in an hour' },
  'kubernetes.event-lost': { level: 'info', message: 'a Kubernetes Event could not be written' },
  'removal.phase': { level: 'info', message: 'the removal of a node entered another phase' },
  'removal.waiting': { level: 'info', message: 'the removal of a node waits' },
  'removal.trouble': { level: 'warn', message: 'a step of the removal of a node failed and is tried again' },
  'removal.succeeded': { level: 'info', message: 'a node was removed' },
  'removal.cancelled': { level: 'info', message: 'the removal of a node was taken back' },
  'removal.refused': { level: 'warn', message: 'a node is not removed' },
  'removal.failed': { level: 'error', message: 'the removal of a node failed' },
  'removal.ledger': { level: 'info', message: 'the ledger does not answer about removals' },
  'member.forgotten': { level: 'info', message: 'a member that was removed is forgotten' },
  'member.lost': { level: 'error', message: 'a worker with shards is gone; nothing is moved or removed by itself' },
  'member.back': { level: 'info', message: 'a worker with shards that was gone is there again' },
} as const satisfies Record<string, { level: 'info' | 'warn' | 'error'; message: string }>

export type EventName = keyof typeof events

/** Reports events; never throws. */
export type Report = (name: EventName, details?: Readonly<Record<string, unknown>>) => void

/** Events as log lines. */
export function reportTo(log: Logger): Report {
  return (name, details = {}) => {
    const { level, message } = events[name]
    log[level]({ event: name, ...details }, message)
    tellInSpan(name, details)
  }
}

// A drain as one state machine: a total table of state x event, so that no moment is left without an answer.

/** The phases in their order. */
export const phaseNames = ['cause', 'prepare', 'hold', 'unready', 'drain', 'settle', 'flush', 'keep'] as const

export type PhaseName = (typeof phaseNames)[number]

/** A phase that is running; `done`: PostgreSQL may be stopped; `down`: it is; `back`: nothing of this drain stands any more. */
export type DrainState = PhaseName | 'done' | 'down' | 'back'

/**
 * `passed`: the running phase has ended, also without success. `late`: the drain's time is up. `asked`: hook or command, again.
 * `cancelled`: a person wants the node back. `gone`: PostgreSQL no longer runs. `returned`: it accepts connections in another run.
 */
export const drainEvents = ['passed', 'late', 'asked', 'cancelled', 'gone', 'returned'] as const

export type DrainEvent = (typeof drainEvents)[number]

type Row = Readonly<Record<DrainEvent, DrainState>>

function phase(own: PhaseName, next: DrainState): Row {
  return { passed: next, late: 'done', asked: own, cancelled: 'back', gone: 'down', returned: 'back' }
}

/** The table; docs/architecture.md shows it as a picture. */
export const transitions: Readonly<Record<DrainState, Row>> = {
  cause: phase('cause', 'prepare'),
  prepare: phase('prepare', 'hold'),
  hold: phase('hold', 'unready'),
  unready: phase('unready', 'drain'),
  drain: phase('drain', 'settle'),
  settle: phase('settle', 'flush'),
  flush: phase('flush', 'keep'),
  keep: phase('keep', 'done'),
  // Time no longer matters: who asked may stop PostgreSQL whenever it likes.
  done: { passed: 'done', late: 'done', asked: 'done', cancelled: 'back', gone: 'down', returned: 'back' },
  // Cancelled while PostgreSQL is down: clients need not wait for it any longer than they would without us.
  down: { passed: 'down', late: 'down', asked: 'down', cancelled: 'back', gone: 'down', returned: 'back' },
  back: { passed: 'back', late: 'back', asked: 'cause', cancelled: 'back', gone: 'back', returned: 'back' },
}

export function step(state: DrainState, event: DrainEvent): DrainState {
  return transitions[state][event]
}

export function isPhase(state: DrainState): state is PhaseName {
  return (phaseNames as readonly string[]).includes(state)
}

/** Whether new clients are to stay away in this state. */
export function keepsAway(state: DrainState): boolean {
  return state !== 'back' && state !== 'cause' && state !== 'prepare' && state !== 'hold'
}

/** What a phase says that an event has ended. */
export const interruptions: Readonly<Record<Exclude<DrainEvent, 'passed'>, string>> = {
  late: 'the time of the whole drain was up',
  asked: 'asked again',
  cancelled: 'a person cancelled the drain',
  gone: 'PostgreSQL stopped before it was done',
  returned: 'PostgreSQL was restarted before it was done',
}

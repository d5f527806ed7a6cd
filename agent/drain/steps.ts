// What each phase does, by name.
import { drainClients } from './clients.ts'
import { flush } from './flush.ts'
import { knowCause } from './know-cause.ts'
import type { PhaseName } from './machine.ts'
import { prepare } from './prepare.ts'
import { settle } from './settle.ts'
import type { Step } from './step.ts'
import { keepState } from './stop-state.ts'
import { takeHold } from './take-hold.ts'
import { unready } from './unready.ts'

export const steps: Readonly<Record<PhaseName, Step>> = {
  cause: knowCause,
  prepare,
  hold: takeHold,
  unready,
  drain: drainClients,
  settle,
  flush,
  keep: keepState,
}

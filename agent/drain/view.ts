// A drain as hook, command and page show it.

/** One phase so far. */
export interface PhaseView {
  readonly name: string
  readonly state: 'running' | 'done' | 'failed' | 'skipped'
  /** What was done, or what was left undone and why. */
  readonly reason: string
  readonly tookMs?: number
}

export interface DrainView {
  readonly id: string
  readonly phases: readonly PhaseView[]
  /** Set once PostgreSQL may be stopped, or the drain was cancelled; `ok` when nothing was left undone. */
  readonly end: { readonly ok: boolean; readonly reason: string } | undefined
}

/** One phase of a drain that would begin now; times null where nobody can say. */
export interface PhasePlan {
  readonly name: string
  readonly budgetMs: number
  readonly etaMs: number | null
  /** `measured`: as the last drain took; `estimated`: from what the server says now. */
  readonly from: 'measured' | 'estimated' | null
  /** What the estimate rests on. */
  readonly because: string
}

/** What a drain would do now; times in the unit of their name. */
export interface DrainPlan {
  readonly graceSeconds: number
  /** Who says so: CITUS_SIDECAR_GRACE_PERIOD, or the pod itself by the Kubernetes API. */
  readonly graceFrom: 'setting' | 'pod'
  readonly reserveSeconds: number
  readonly phases: readonly PhasePlan[]
  /** Of all phases about which somebody can say something. */
  readonly etaMs: number
  readonly graceTooShort: boolean
  readonly warnings: readonly string[]
}

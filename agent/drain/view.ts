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

/** What a drain would do now; times in the unit of their name, null where nothing has been measured. */
export interface DrainPlan {
  readonly graceSeconds: number
  readonly reserveSeconds: number
  readonly phases: readonly { readonly name: string; readonly budgetMs: number; readonly etaMs: number | null }[]
  readonly warnings: readonly string[]
}

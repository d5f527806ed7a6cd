// Spans of two nodes have the times of two clocks: a child must not begin before its parent or end after it.

interface Span {
  readonly startedAt: number
  readonly endedAt: number
}

/** The child's times, already in the parent's clock, as far as they lie within the parent's. */
export function clampInto(parent: Span, child: Span): Span {
  const within = (at: number): number => Math.max(parent.startedAt, Math.min(at, parent.endedAt))
  return { startedAt: within(child.startedAt), endedAt: within(child.endedAt) }
}

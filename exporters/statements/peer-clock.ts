// How far another node's clock is from ours, from the times in its answers: https://www.rfc-editor.org/rfc/rfc5905#section-8.

/** Milliseconds: what to add to our time for theirs, and how far that may be off. */
export interface ClockOffset {
  readonly offset: number
  readonly uncertainty: number
}

/** One exchange: sent and answered by our clock, received and sent back by theirs; milliseconds since 1970. */
export interface Exchange {
  readonly askedAt: number
  readonly receivedAt: number
  readonly sentAt: number
  readonly answeredAt: number
}

interface Sample extends ClockOffset {
  readonly at: number
}

/** As NTP keeps. */
const kept = 8
/** What two clocks may drift apart meanwhile, milliseconds a millisecond: a bad quartz. */
const drift = 1e-4
/** Without one as young as this it is measured before it is relied on, milliseconds. */
const freshFor = 30_000

/** What one exchange says; the truth is within half of the time that it was on its way. */
export function offsetOf({ askedAt, receivedAt, sentAt, answeredAt }: Exchange): ClockOffset {
  return {
    offset: (receivedAt - askedAt + (sentAt - answeredAt)) / 2,
    uncertainty: Math.max(0, answeredAt - askedAt - (sentAt - receivedAt)) / 2,
  }
}

export class PeerClock {
  #samples: readonly Sample[] = []

  /** Whether the offset is known, and not from long ago. */
  fresh(now: number): boolean {
    const last = this.#samples.at(-1)
    return last !== undefined && now - last.at < freshFor
  }

  /** The best of the last exchanges; undefined before the first. */
  offset(now: number): ClockOffset | undefined {
    const aged = this.#samples.map(({ offset, uncertainty, at }) => ({
      offset,
      uncertainty: uncertainty + drift * Math.max(0, now - at),
    }))
    return aged.toSorted((a, b) => a.uncertainty - b.uncertainty)[0]
  }

  learn(exchange: Exchange): void {
    const at = exchange.answeredAt
    const sample = { ...offsetOf(exchange), at }
    const known = this.offset(at)
    // One of the clocks was set: what was measured before says nothing any more.
    const isSet = known !== undefined && Math.abs(known.offset - sample.offset) > known.uncertainty + sample.uncertainty
    this.#samples = isSet ? [sample] : [...this.#samples.slice(1 - kept), sample]
  }
}

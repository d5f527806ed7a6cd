// SIGTERM and SIGINT -> one AbortSignal; and what happens when a clean end takes too long.

/** A clean end takes well under a second; after this the process ends anyway, milliseconds. */
const forcedAfter = 10_000

/** How often it is looked whether a drain still needs the sidecar, milliseconds. */
const lookEvery = 200

/** Until when this process is needed although it was told to end, milliseconds since 1970. */
let needed: () => number | undefined = () => undefined

/** Ends the process if it has not ended by itself in time; a drain that needs the sidecar puts that off. */
function forceEnd(): void {
  // Unreferenced: it never keeps a process alive that has nothing left to do.
  setTimeout(() => (Date.now() < (needed() ?? 0) ? forceEnd() : process.exit(1)), forcedAfter).unref()
}

/** Ends the process once it has nothing left to do but wait for others: what main has to say is said by then. */
export function endRegardless(): void {
  setTimeout(() => process.exit(), 100).unref()
}

/** Ends `own` once `stop` has aborted and nobody needs the sidecar any longer; `neededUntil` in milliseconds since 1970. */
export async function endWhenFree(
  stop: AbortSignal,
  own: AbortController,
  neededUntil: () => number | undefined,
): Promise<void> {
  needed = neededUntil
  if (!stop.aborted) {
    const { promise, resolve } = Promise.withResolvers<void>()
    stop.addEventListener('abort', () => resolve(), { once: true })
    own.signal.addEventListener('abort', () => resolve(), { once: true })
    await promise
  }
  while (!own.signal.aborted && Date.now() < (neededUntil() ?? 0))
    await new Promise((resolve) => setTimeout(resolve, lookEvery))
  own.abort(stop.reason)
}

/** Aborts on the first SIGTERM or SIGINT; later ones change nothing about an end that has begun. Neither ever drains or touches PostgreSQL. */
export function untilSignal(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) return
      controller.abort(new Error(name))
      forceEnd()
    })
  }
  return controller.signal
}

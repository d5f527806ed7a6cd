// SIGTERM and SIGINT -> one AbortSignal; and what happens when a clean end takes too long.

/** A clean end takes well under a second; after this the process ends anyway, milliseconds. */
const forcedAfter = 10_000

/** Aborts on the first SIGTERM or SIGINT; later ones change nothing about an end that has begun. Neither ever drains or touches PostgreSQL. */
export function untilSignal(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) return
      controller.abort(new Error(name))
      // Unreferenced: it never keeps a process alive that has nothing left to do.
      setTimeout(() => process.exit(1), forcedAfter).unref()
    })
  }
  return controller.signal
}

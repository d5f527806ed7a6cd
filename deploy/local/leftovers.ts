// Ends what this process started when it ends itself without having done so: exit, crash, SIGINT, SIGTERM, SIGHUP.

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const endings = new Set<() => void>()

/** Calls `ending` (which must not wait) when the process ends; the returned function takes that back. */
export function endWithProcess(ending: () => void): () => void {
  if (endings.size === 0) {
    process.on('exit', endAll)
    for (const signal of SIGNALS) process.on(signal, onSignal)
  }
  endings.add(ending)
  return () => {
    if (!endings.delete(ending) || endings.size > 0) return
    process.off('exit', endAll)
    for (const signal of SIGNALS) process.off(signal, onSignal)
  }
}

function onSignal(signal: NodeJS.Signals): void {
  // Who else listens ends the process in its own time, and then "exit" does our part.
  if (process.listenerCount(signal) > 1) return
  endAll()
  process.kill(process.pid, signal)
}

function endAll(): void {
  process.off('exit', endAll)
  for (const signal of SIGNALS) process.off(signal, onSignal)
  // Last begun, first ended: servers before the folder that has their process ids.
  for (const ending of [...endings].toReversed()) {
    try {
      ending()
    } catch {
      // One that cannot be ended must not keep the others alive.
    }
  }
  endings.clear()
}

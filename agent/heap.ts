// How the JavaScript heap of this process grows: a sidecar shares its pod with a database, which has better use for memory.
import { setFlagsFromString } from 'node:v8'

/**
 * V8's flags that matter here and that it reads again at run time (https://nodejs.org/api/v8.html#v8setflagsfromstringflags).
 * The nursery stays at its first size: it would grow to 32 MB while modules load, and a process that then idles for days
 * keeps that. The rest of the heap grows by 2 MB instead of 8 MB before it is collected. The compiler in the middle of three
 * takes up to 10 MB for what it works with, which malloc then keeps; what runs often the last one compiles all the same.
 */
const flags = ['--semi-space-growth-factor=1', '--optimize-for-size', '--no-maglev']

/** Called before modules load. */
export function keepHeapSmall(): void {
  for (const flag of flags) setFlagsFromString(flag)
}

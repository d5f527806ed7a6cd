// How the JavaScript heap of this process grows.
import { setFlagsFromString } from 'node:v8'

/** Keeps the heap's nursery at its first size (1 MB a half): V8 grows it to 32 MB as soon as modules load, and never gives that back to an idle process. */
export function keepNurserySmall(): void {
  // The one flag about it that V8 reads again at run time (https://nodejs.org/api/v8.html#v8setflagsfromstringflags).
  setFlagsFromString('--semi-space-growth-factor=1')
}

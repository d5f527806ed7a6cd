// How fast this machine is right now: where others use it, too, numbers of two runs can be compared only beside this.

/** A fixed amount of arithmetic, milliseconds. */
export function pace(): number {
  const began = performance.now()
  let sum = 0
  for (let index = 0; index < 200_000_000; index += 1) sum += index % 7
  // The sum is used, so that nobody leaves the loop out.
  return sum > 0 ? performance.now() - began : 0
}

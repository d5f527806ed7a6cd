// What --watch does: prints the same question's answer again and again, on a terminal in place of the one before.
import { systemClock } from '../loop/clock.ts'
import type { CommandContext } from './command.ts'

/** How often --watch looks again, milliseconds. */
const watchEvery = 2_000
const clearScreen = '\u001B[H\u001B[2J'

/** Prints what `look` says, once or until the command is interrupted. */
export async function printAgain(
  { stdout, stop }: Pick<CommandContext, 'stdout' | 'stop'>,
  watch: boolean,
  look: () => Promise<string>,
): Promise<void> {
  do {
    const text = await look()
    stdout.write(watch && stdout.isTTY === true ? clearScreen + text : text)
    if (watch) await systemClock.sleep(watchEvery, stop)
  } while (watch && !stop.aborted)
}

// The two ways in which the launcher fails: something did not work (exit code 1), or it was asked wrongly (2).

import { readFileSync } from 'node:fs'

/** Something on this machine did not do what it should; the message says what and shows the log concerned. */
export class LocalError extends Error {
  override name = 'LocalError'
}

/** A command line that cannot be understood; the message names the thing, its value and what is allowed. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** The last `lines` lines of a log file under a headline, for an error message. */
export function logTail(file: string, lines = 25): string {
  try {
    const text = readFileSync(file, 'utf8').trimEnd()
    if (text === '') return `(${file} is empty)`
    return `the end of ${file}:\n${text
      .split('\n')
      .slice(-lines)
      .map((line) => `  ${line}`)
      .join('\n')}`
  } catch {
    return `(${file} cannot be read)`
  }
}

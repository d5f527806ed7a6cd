// WAL positions: text as PostgreSQL prints them, numbers as 64-bit integers.

/** `16/B374D848` as a number of bytes. @throws RangeError for anything else. */
export function parseLsn(text: string): bigint {
  const match = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text)
  if (match === null) throw new RangeError(`"${text}" is no WAL position; allowed: two hexadecimal numbers joined by /`)
  return (BigInt(`0x${match[1]}`) << 32n) + BigInt(`0x${match[2]}`)
}

/** The same text by itself: a piece of a text keeps the whole of it in memory, and what is remembered may stay for an hour. */
export function copied(text: string): string {
  return Buffer.from(text).toString()
}

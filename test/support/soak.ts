// Which rows of a long matrix run every day, and which in `npm run test:soak` alone.

let whole = false

/** From here on everything runs; called before the files that ask are loaded. */
export function soak(): void {
  whole = true
}

/** The rows of a matrix of one fault to run: some of them every day, all in a soak. */
export function rowsOf<Row>(all: readonly Row[], everyday: (row: Row, index: number) => boolean): readonly Row[] {
  return whole ? all : all.filter(everyday)
}

/** How often to do the same. */
export function timesOf(everyday: number, soaking: number): number {
  return whole ? soaking : everyday
}

// The folder of a whole test run, where environment variable CITUS_SIDECAR_LOCAL_RUN names one: its servers live in it,
// and what all of them need is made there once. Who sets the variable makes the folder, for all to read, and removes it.

/** The folder, or undefined where every server is made from nothing. */
export function runFolder(): string | undefined {
  const folder = process.env['CITUS_SIDECAR_LOCAL_RUN'] ?? ''
  return folder === '' ? undefined : folder
}

// The few words of SQL access that probes are given; whoever runs them brings the connection and its limits.

/** One bounded way to ask; rows come back as plain objects. */
export interface Sql {
  /** @throws the server's error (with its SQLSTATE as `code`), or the caller's when there was no answer in time. */
  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>
}

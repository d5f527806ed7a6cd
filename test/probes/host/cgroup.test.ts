// Control groups: both versions, limits that are none, what a container can see of its neighbour, and nothing where there is nothing.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { FamilyReader } from '../../../probes/collection.ts'
import type { Row } from '../../../probes/collection.ts'
import { cgroup, cgroupReader } from '../../../probes/host/cgroup.ts'
import { fileTree } from '../../support/file-trees.ts'

const version2 = {
  'memory.current': '1000\n',
  'memory.max': '4096\n',
  'memory.stat': 'anon 600\ninactive_file 300\nactive_file 100\n',
  'memory.events': 'low 0\nhigh 0\nmax 3\noom 2\noom_kill 1\noom_group_kill 0\n',
  'cpu.stat': 'usage_usec 2500000\nuser_usec 1\nsystem_usec 2\nnr_periods 10\nnr_throttled 4\nthrottled_usec 1500000\n',
  'cpu.max': '150000 100000\n',
  'cpu.pressure': 'some avg10=0.00 avg60=0.00 avg300=0.00 total=7000000\n',
  'io.pressure':
    'some avg10=1.00 avg60=0.00 avg300=0.00 total=500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=250000\n',
  'pids.current': '12\n',
  'pids.max': '100\n',
}
const told2: Row = {
  memory: 1000,
  memoryLimit: 4096,
  workingSet: 700,
  oomKills: 1,
  cpu: 2.5,
  cpuLimit: 1.5,
  periods: 10,
  throttledPeriods: 4,
  throttled: 1.5,
  pids: 12,
  pidsLimit: 100,
}
const nothing = Object.fromEntries(Object.keys(told2).map((column) => [column, undefined]))

function under(folder: string, files: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [`${folder}/${name}`, text]))
}

async function rowsOf(files: Readonly<Record<string, string>>): Promise<readonly Row[]> {
  await using tree = await fileTree(files)
  return await cgroupReader({ proc: join(tree.root, 'proc'), cgroups: join(tree.root, 'sys') })()
}

const modern = { 'sys/cgroup.controllers': 'cpu io memory pids\n' }

suite('control groups of version 2', () => {
  test('are told with limits, working set and pressure', async () => {
    assert.deepEqual(await rowsOf({ ...modern, 'proc/self/cgroup': '0::/\n', ...under('sys', version2) }), [
      { container: 'sidecar', ...told2 },
      { container: 'sidecar', resource: 'cpu', kind: 'some', stalled: 7 },
      { container: 'sidecar', resource: 'io', kind: 'some', stalled: 0.5 },
      { container: 'sidecar', resource: 'io', kind: 'full', stalled: 0.25 },
    ])
  })

  test('without limits have none', async () => {
    const free = { 'memory.max': 'max\n', 'cpu.max': 'max 100000\n', 'pids.max': 'max\n' }
    const [row] = await rowsOf({ ...modern, 'proc/self/cgroup': '0::/\n', ...under('sys', { ...version2, ...free }) })
    const limits = { memoryLimit: undefined, cpuLimit: undefined, pidsLimit: undefined }
    assert.deepEqual(row, { container: 'sidecar', ...told2, ...limits })
  })

  test('of PostgreSQL are told where its processes and its group can be seen', async () => {
    const rows = await rowsOf({
      ...modern,
      'proc/self/cgroup': '0::/pod/a\n',
      'proc/1/comm': 'pause\n',
      'proc/9/comm': 'postgres\n',
      'proc/9/cgroup': '0::/pod/b\n',
      'proc/10/comm': 'postgres\n',
      'proc/10/cgroup': '0::/pod/wrong\n',
      'sys/pod/a/pids.current': '3\n',
      'sys/pod/b/pids.current': '40\n',
    })
    assert.deepEqual(rows, [
      { container: 'sidecar', ...nothing, pids: 3 },
      { container: 'postgres', ...nothing, pids: 40 },
    ])
  })

  test('that lie outside of what is mounted here are no samples of this container', async () => {
    const rows = await rowsOf({
      ...modern,
      'proc/self/cgroup': '0::/\n',
      'proc/9/comm': 'postgres\n',
      'proc/9/cgroup': '0::/../b\n',
      'sys/pids.current': '3\n',
      'b/pids.current': '40\n',
    })
    assert.deepEqual(rows, [
      { container: 'sidecar', ...nothing, pids: 3 },
      { container: 'postgres', ...nothing },
    ])
    const families = new FamilyReader(cgroup.families, 10).read(rows)
    assert.deepEqual(
      families.flatMap(({ samples }) => samples),
      [{ labels: { container: 'sidecar' }, value: 3 }],
    )
  })

  test('that the server and this process share are told once', async () => {
    const rows = await rowsOf({
      ...modern,
      'proc/self/cgroup': '0::/one\n',
      'proc/9/comm': 'postgres\n',
      'proc/9/cgroup': '0::/one\n',
    })
    assert.deepEqual(
      rows.map(({ container }) => container),
      ['sidecar'],
    )
  })
})

test('a server that came back is found again', async () => {
  await using tree = await fileTree({
    ...modern,
    'proc/self/cgroup': '0::/a\n',
    'proc/9/comm': 'postgres\n',
    'proc/9/cgroup': '0::/b\n',
    'sys/b/pids.current': '40\n',
    'sys/c/pids.current': '50\n',
  })
  const read = cgroupReader({ proc: join(tree.root, 'proc'), cgroups: join(tree.root, 'sys') })
  assert.equal((await read())[1]?.['pids'], 40)
  await tree.add({ 'proc/9/comm': 'sh\n' })
  assert.equal((await read()).length, 1)
  await tree.add({ 'proc/77/comm': 'postgres\n', 'proc/77/cgroup': '0::/c\n' })
  assert.equal((await read())[1]?.['pids'], 50)
})

suite('control groups of version 1', () => {
  const files = {
    'memory/memory.usage_in_bytes': '1000\n',
    'memory/memory.limit_in_bytes': '4096\n',
    'memory/memory.stat': 'cache 1\ninactive_file 5\ntotal_inactive_file 300\n',
    'memory/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n',
    'cpuacct/cpuacct.usage': '2500000000\n',
    'cpu/cpu.stat': 'nr_periods 10\nnr_throttled 4\nthrottled_time 1500000000\n',
    'cpu/cpu.cfs_quota_us': '150000\n',
    'cpu/cpu.cfs_period_us': '100000\n',
    'pids/pids.current': '12\n',
    'pids/pids.max': '100\n',
  }
  const own = '9:name=systemd:/x\n8:pids:/pod/a\n4:memory:/pod/a\n2:cpu,cpuacct:/pod/a\n0::/\n'

  test('are told as those of version 2, without pressure', async () => {
    assert.deepEqual(await rowsOf({ 'proc/self/cgroup': own, ...under('sys', files) }), [
      { container: 'sidecar', ...told2 },
    ])
  })

  test('are found in their folder, where a container sees the whole tree', async () => {
    const deep = Object.fromEntries(
      Object.entries(files).map(([path, text]) => [path.replace('/', '/pod/a/'), text] as const),
    )
    const machine = { 'sys/memory/memory.usage_in_bytes': '77\n' }
    assert.deepEqual(await rowsOf({ 'proc/self/cgroup': own, ...under('sys', deep), ...machine }), [
      { container: 'sidecar', ...told2 },
    ])
  })

  test('without limits have none', async () => {
    const free = { 'memory/memory.limit_in_bytes': '9223372036854771712\n', 'cpu/cpu.cfs_quota_us': '-1\n' }
    const [row] = await rowsOf({ 'proc/self/cgroup': own, ...under('sys', { ...files, ...free }) })
    assert.deepEqual(row, { container: 'sidecar', ...told2, memoryLimit: undefined, cpuLimit: undefined })
  })
})

test('without control groups there is no sample', async () => {
  const families = new FamilyReader(cgroup.families, 10).read(await rowsOf({}))
  assert.deepEqual(
    families.flatMap(({ samples }) => samples),
    [],
  )
})

test('a file that is far too long is read no further than needed', async () => {
  const long = { 'sys/memory.stat': `inactive_file 1\n${'x 1\n'.repeat(100_000)}`, 'sys/memory.current': '5\n' }
  const [row] = await rowsOf({ ...modern, 'proc/self/cgroup': '0::/\n', ...long })
  assert.equal(row?.['workingSet'], 4)
})

test('of this process the kernel says something, or nothing at all', async () => {
  for (const row of await cgroupReader({ proc: '/proc', cgroups: '/sys/fs/cgroup' })())
    for (const [column, value] of Object.entries(row))
      assert.ok(value === undefined || typeof value === 'string' || Number(value) >= 0, `${column} is ${value}`)
})

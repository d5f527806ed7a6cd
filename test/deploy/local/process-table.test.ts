// Which processes belong to a server, from what /proc shows of them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  findPostmaster,
  findServerProcesses,
  isAlive,
  type ProcessEntry,
  readProcess,
} from '../../../deploy/local/process-table.ts'

const mark = { dataDir: '/c/worker-1/data', clusterName: 'worker-1-0123' }
const command = '/usr/bin/postgres\0-D\0/c/worker-1/data\0-c\0x=y\0'
const postmaster = entry(10, 1, command)

function entry(pid: number, parent: number, commandLine: string): ProcessEntry {
  return { pid, parent, state: 'S', startTime: 1, commandLine }
}

function ids(processes: readonly ProcessEntry[]): number[] {
  return processes.map(({ pid }) => pid).toSorted((a, b) => a - b)
}

test('children, their children and children without a title yet belong to the server', () => {
  const children = [
    entry(11, 10, 'postgres: worker-1-0123: checkpointer \0\0'),
    entry(12, 10, command),
    entry(13, 11, 'sh\0-c\0archive'),
    entry(14, 13, 'cp\0a\0b'),
  ]
  const all = [...children, postmaster, entry(1, 0, 'init')]
  const found = findServerProcesses(mark, all)
  assert.deepEqual(ids(found), [10, 11, 12, 13, 14])
  assert.equal(findPostmaster(found, mark)?.pid, 10)
})

test('orphans of a dead postmaster are found, and are no postmaster', () => {
  const found = findServerProcesses(mark, [entry(11, 1, 'postgres: worker-1-0123: app app [local] idle\0')])
  assert.deepEqual(ids(found), [11])
  assert.equal(findPostmaster(found, mark), undefined)
})

test('other servers and people who look at the data directory do not belong to it', () => {
  const strangers = [
    entry(20, 1, '/usr/bin/postgres\0-D\0/c/worker-10/data\0'),
    entry(21, 20, 'postgres: worker-1-9999: checkpointer \0'),
    entry(22, 1, 'ls\0-D\0/c/worker-1/data\0'),
    entry(23, 1, 'less\0/c/worker-1/data/postmaster.pid\0'),
  ]
  assert.deepEqual(findServerProcesses(mark, strangers), [])
})

test('a process is alive under its own start time only', () => {
  const self = readProcess(process.pid)
  assert.ok(self !== undefined)
  assert.equal(self.parent, process.ppid)
  assert.equal(isAlive(self), true)
  assert.equal(isAlive({ pid: self.pid, startTime: self.startTime + 1 }), false)
})

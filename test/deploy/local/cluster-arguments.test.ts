// The command line of `npm run cluster`: what it understands and what it refuses, in which words.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HELP, NODE_ACTIONS, readArguments } from '../../../deploy/local/cluster-arguments.ts'

const understood: [string, object][] = [
  ['up', { command: 'up', workers: 2, poolers: 0, dir: undefined, json: false, sidecars: true }],
  [
    'up --workers 16 --dir /d --json',
    { command: 'up', workers: 16, poolers: 0, dir: '/d', json: true, sidecars: true },
  ],
  [
    'up --workers=0 --no-sidecars',
    { command: 'up', workers: 0, poolers: 0, dir: undefined, json: false, sidecars: false },
  ],
  ['kill worker-1 --dir d', { command: 'kill', node: 'worker-1', part: 'postgres', dir: 'd', postmaster: false }],
  ['restart w/sidecar --dir d', { command: 'restart', node: 'w', part: 'sidecar', dir: 'd', postmaster: false }],
  ['freeze --postmaster w --dir d', { command: 'freeze', node: 'w', part: 'postgres', dir: 'd', postmaster: true }],
  ['down --dir d', { command: 'down', dir: 'd' }],
  ['--help', { command: 'help' }],
  ['kill -h', { command: 'help' }],
]

for (const [line, request] of understood) {
  test(`understands "${line}"`, () => assert.deepEqual(readArguments(line.split(' ')), request))
}

const refused: [string, RegExp][] = [
  ['', /no command; allowed are up, down, kill/],
  ['rise', /command "rise" is unknown; allowed are up, down, kill, freeze, thaw, restart, stop, start/],
  ['up --workers many', /--workers is "many"; allowed is a whole number from 0 to 64/],
  ['up --workers 65', /--workers is "65"/],
  ['up --poolers 9', /--poolers is "9"; allowed is a whole number from 0 to 8/],
  ['up --workers -1', /--workers/],
  ['up --postmaster', /up takes no --postmaster; allowed are --workers, --poolers, --dir, --json, --no-sidecars/],
  ['up here', /up does not take "here"/],
  ['up --colour', /--colour/],
  ['kill --dir d', /kill needs a node/],
  ['kill w', /kill needs --dir D/],
  ['kill w --dir d --json', /kill takes no --json; allowed are --dir/],
  ['kill w x --dir d', /kill does not take "x"/],
  ['kill w/postgres --dir d', /node is "w\/postgres"; allowed are NODE and NODE\/sidecar/],
  ['kill /sidecar --dir d', /node is "\/sidecar"/],
  ['kill w/sidecar/x --dir d', /node is "w\/sidecar\/x"/],
  ['freeze w/sidecar --postmaster --dir d', /--postmaster does not go with "w\/sidecar"/],
  ['down', /down needs --dir D/],
  ['down w --dir d', /down does not take "w"/],
]

for (const [line, message] of refused) {
  test(`refuses "${line}"`, () => {
    assert.throws(() => readArguments(line.split(' ').filter(Boolean)), { name: 'UsageError', message })
  })
}

test('the help names every command', () => {
  for (const command of ['up', 'down', ...NODE_ACTIONS]) assert.match(HELP, new RegExp(`\\b${command}\\b`))
})

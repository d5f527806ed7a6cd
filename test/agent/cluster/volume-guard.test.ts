// The volume guard: what it lets pass, what it refuses, and what it says it found.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { JoinFacts } from '../../../agent/cluster/facts.ts'
import type { FindingCode } from '../../../agent/cluster/findings.ts'
import { branchPoint, guardVolumes } from '../../../agent/cluster/volume-guard.ts'
import * as facts from '../../support/join-facts.ts'
import { coordinatorFacts, coordinatorRow, memberOf, newcomerFacts, otherRow } from '../../support/join-facts.ts'
import { rowOf, standbyFacts, workerFacts } from '../../support/join-facts.ts'

const history = [
  '1\t0/3000000\tno recovery target specified',
  '',
  '2\t0/4500000\tno',
  '3\t0/5500000\tpromoted',
  '',
].join('\n')
const others = facts.members.filter(({ name }) => name !== 'worker-1')
const emptied = [rowOf(0, 'coordinator')]

type Case = readonly [what: string, facts: JoinFacts, code: FindingCode | undefined, says?: RegExp]

const cases: readonly Case[] = [
  ['a worker that restarts', workerFacts(), undefined],
  ['a coordinator that restarts', coordinatorFacts(), undefined],
  ['a standby that restarts', standbyFacts(), undefined],
  ['a new worker', newcomerFacts(), undefined],

  [
    'a volume with the notebook of another node',
    workerFacts({ notebook: { name: 'worker-9' } }),
    'volume-cloned',
    /copy of that of node worker-9.*timeline 3/,
  ],
  [
    'a volume with the identity of a living member',
    workerFacts({ identity: { systemIdentifier: '7003' } }),
    'volume-cloned',
    /timeline 3 of member worker-2/,
  ],
  [
    'a clone of the coordinator as a new worker',
    newcomerFacts({ identity: { systemIdentifier: '7000' } }),
    'volume-cloned',
  ],
  [
    'a standby carries the identity of its primary',
    standbyFacts({ identity: { systemIdentifier: '7002' } }),
    undefined,
  ],
  [
    'a promoted standby carries the notebook of its old primary, on a newer timeline',
    workerFacts({ notebook: { name: 'worker-9' }, identity: { timeline: 4 }, history }),
    undefined,
  ],
  [
    'an identity that only a standby has is no clone',
    workerFacts({ members: [...others, memberOf('worker-1', 2), memberOf('worker-1-b', 2, { inRecovery: true })] }),
    undefined,
  ],

  [
    'another coordinator answers',
    workerFacts({ coordinator: { systemIdentifier: '9999' } }),
    'coordinator-changed',
    /belongs to .* 7000, but 9999 answers/,
  ],
  [
    'the extension of the coordinator was created anew',
    workerFacts({ coordinator: { serverId: 'new' } }),
    'coordinator-changed',
    /server id new, known server-0/,
  ],
  [
    'the coordinator lost its extension',
    workerFacts({ coordinator: { serverId: undefined } }),
    'coordinator-changed',
    /server id none/,
  ],
  [
    'a notebook that never noted a server id',
    workerFacts({ notebook: { coordinatorServerId: undefined }, coordinator: { serverId: 'new' } }),
    undefined,
  ],
  ['a new worker knows no coordinator', newcomerFacts({ coordinator: { systemIdentifier: '9999' } }), undefined],

  [
    'a volume of another cluster',
    workerFacts({ identity: { systemIdentifier: '9999' } }),
    'volume-foreign',
    /knows worker-1 with system identifier 7002, this volume has 9999 and belongs elsewhere/,
  ],
  [
    'a volume that was made anew behind a known name',
    workerFacts({ identity: { systemIdentifier: '9999' }, local: { groupId: 0 }, notebook: facts.blankNotebook }),
    'volume-empty',
    /was never part of a cluster/,
  ],
  [
    'a foreign volume that was verified somewhere, and of no group',
    workerFacts({ identity: { systemIdentifier: '9999' }, local: { groupId: 0 } }),
    'volume-foreign',
  ],
  [
    'a foreign volume of some group that was never verified',
    workerFacts({ identity: { systemIdentifier: '9999' }, notebook: facts.blankNotebook }),
    'volume-foreign',
  ],
  [
    'a new volume of a coordinator that its ledger knows',
    coordinatorFacts({ identity: { systemIdentifier: '9999' } }),
    'volume-foreign',
  ],
  [
    'a member that never told its identity',
    workerFacts({
      members: [...others, memberOf('worker-1', 2, { systemIdentifier: null })],
      identity: { systemIdentifier: '9999' },
    }),
    undefined,
  ],

  [
    'an empty volume behind a registered address the ledger does not know',
    newcomerFacts({ nodes: [coordinatorRow, facts.ownRow] }),
    'volume-empty',
    /node 2 of group 2 with 4 shard placements/,
  ],
  [
    'the same, once a person accepted it',
    newcomerFacts({ nodes: [coordinatorRow, facts.ownRow], accepted: 'volume-empty' }),
    undefined,
  ],
  [
    'the same, when a person accepted something else',
    newcomerFacts({ nodes: [coordinatorRow, facts.ownRow], accepted: 'removed' }),
    'volume-empty',
  ],

  [
    'a volume at an older position',
    workerFacts({ identity: { lsn: '0/4FFFFFF' } }),
    'volume-rolled-back',
    /at 0\/4FFFFFF, the cluster has seen it at 0\/5000000/,
  ],
  ['a volume at the very position the cluster has seen', workerFacts({ identity: { lsn: '0/5000000' } }), undefined],
  [
    'a volume whose position is older as text only',
    workerFacts({ identity: { lsn: '10/0' }, members: [...others, memberOf('worker-1', 2, { lsn: '9/FFFFFFFF' })] }),
    undefined,
  ],
  [
    'a volume on an older timeline',
    workerFacts({ identity: { timeline: 2, lsn: '9/0' } }),
    'volume-rolled-back',
    /on timeline 2, the cluster has seen it on 3/,
  ],
  [
    'a newer timeline that branches above what the cluster has seen',
    workerFacts({ identity: { timeline: 4 }, history }),
    undefined,
  ],
  [
    'a newer timeline that branches just where the cluster has seen it',
    workerFacts({
      identity: { timeline: 4 },
      history,
      members: [...others, memberOf('worker-1', 2, { lsn: '0/5500000' })],
    }),
    undefined,
  ],
  [
    'a newer timeline that branches below what the cluster has seen',
    workerFacts({
      identity: { timeline: 4, lsn: '9/0' },
      history,
      members: [...others, memberOf('worker-1', 2, { lsn: '0/5500001' })],
    }),
    'volume-branched',
    /branches from timeline 3 too early: the cluster has seen it at 0\/5500001/,
  ],
  [
    'a newer timeline of unknown origin',
    workerFacts({ identity: { timeline: 4, lsn: '9/0' }, history: '' }),
    'volume-branched',
    /at an unknown position/,
  ],
  ['a standby may be behind', standbyFacts({ identity: { lsn: '0/1', timeline: 2 } }), undefined],
  [
    'a member that was a standby when last seen',
    workerFacts({ identity: { lsn: '0/1' }, members: [...others, memberOf('worker-1', 2, { inRecovery: true })] }),
    undefined,
  ],
  [
    'a member of unknown position',
    workerFacts({ identity: { lsn: '0/1' }, members: [...others, memberOf('worker-1', 2, { lsn: null })] }),
    undefined,
  ],

  [
    'a coordinator without any placement',
    workerFacts({ nodes: emptied }),
    'coordinator-emptied',
    /lists 8 shard placements, that of the coordinator none/,
  ],
  ['the same, once a person accepted it', workerFacts({ nodes: emptied, accepted: 'coordinator-emptied' }), undefined],
  [
    'a coordinator without placements, and neither has this node',
    workerFacts({ nodes: emptied, local: { placements: 0 } }),
    undefined,
  ],
  [
    'a coordinator without placements, and this node has no group',
    newcomerFacts({ nodes: emptied, local: { placements: 8 } }),
    undefined,
  ],
  ['a coordinator that lost this group alone', workerFacts({ nodes: [coordinatorRow, otherRow] }), undefined],
]

suite('the volume guard', () => {
  for (const [what, given, code, says] of cases) {
    test(`${what}: ${code ?? 'passes'}`, () => {
      const found = guardVolumes(given)
      assert.equal(found?.code, code, found?.reason)
      if (found === undefined) return
      assert.equal(found.kind, 'refuse')
      assert.ok(found.reason !== '' && found.action !== '')
      if (says !== undefined) assert.match(found.reason, says)
    })
  }

  test('every refusal of a volume or a coordinator has its case', () => {
    const covered = new Set(cases.map(([, , code]) => code))
    for (const code of [
      'volume-cloned',
      'volume-foreign',
      'volume-empty',
      'volume-rolled-back',
      'volume-branched',
    ] as const)
      assert.ok(covered.has(code), code)
    assert.ok(covered.has('coordinator-changed') && covered.has('coordinator-emptied'))
  })
})

suite('the branch point in a history file', () => {
  test('is that of the parent asked for', () => {
    assert.equal(branchPoint(history, 1), 0x300_0000n)
    assert.equal(branchPoint(history, 3), 0x550_0000n)
    assert.equal(branchPoint(history, 4), undefined)
    assert.equal(branchPoint('', 1), undefined)
  })

  test('is not read from comments, halves or broken lines', () => {
    for (const text of [
      '# 1 0/3000000',
      '1',
      '1\t',
      '1\t0',
      '1\t0/',
      '1\t/0',
      '1\t123456789/0',
      '1\t0/123456789',
      'x\t0/3',
    ])
      assert.equal(branchPoint(text, 1), undefined, text)
  })

  test('never throws, whatever the file has in it', () => {
    const line = fc.oneof(
      fc.string(),
      fc.tuple(fc.nat(5), fc.string()).map(([parent, rest]) => `${parent}\t${rest}`),
    )
    const odd = fc.stringMatching(/^[0-9A-Fa-f]{0,12}\/[0-9A-Fa-f]{0,12}\s?$/).map((position) => `1\t${position}`)
    fc.assert(
      fc.property(fc.array(fc.oneof(line, odd)), fc.nat(5), (lines, parent) => {
        const found = branchPoint(lines.join('\n'), parent)
        assert.ok(found === undefined || found >= 0n)
      }),
    )
  })
})

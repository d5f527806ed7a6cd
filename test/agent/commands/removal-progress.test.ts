// What a person sees of a removal, on a terminal and in a log.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { RemovalProgress } from '../../../agent/commands/removal-progress.ts'
import type { Progress } from '../../../agent/removal/progress.ts'
import type { Removal } from '../../../agent/removal/removal-ledger.ts'

const MB = 1024 ** 2
const removal: Removal = {
  id: 'r',
  member: 'worker-2',
  nodeId: 3,
  groupId: 3,
  host: 'worker-2',
  port: 5432,
  transferMode: 'auto',
  allowGap: false,
  cancelled: false,
  hadShards: true,
  starts: 1,
  phase: 'asked',
  phaseMs: 100,
  reason: '',
  progress: null,
  toldMs: 100,
  outcome: null,
  node: { shouldHaveShards: false },
  shards: 4,
  job: 'active',
  trouble: null,
  otherJob: false,
  leftovers: 0,
  requestedAt: 0,
  traceparent: null,
}
const progress = (leftMb: number, changes: Partial<Progress> = {}): Progress => ({
  totalBytes: 200 * MB,
  leftBytes: leftMb * MB,
  totalShards: 4,
  leftShards: Math.ceil(leftMb / 50),
  bytesPerSecond: 2 * MB,
  etaSeconds: leftMb / 2,
  moving: 'orders 102008 to worker-1:5432: Copying Data',
  ...changes,
})

function shown(isTTY: boolean, ...looks: readonly (Partial<Removal> | string)[]): string {
  let text = ''
  const screen = new RemovalProgress({ write: (part) => (text += part), isTTY })
  for (const one of looks) {
    if (typeof one === 'string') screen.away(one)
    else screen.show({ ...removal, ...one })
  }
  screen.finish()
  return text
}

suite('the progress of a removal', () => {
  test('is a line a phase and a line a tenth where nobody sees it change', () => {
    const move = (mb: number): Partial<Removal> => ({ phase: 'move', progress: progress(mb) })
    assert.equal(
      shown(
        false,
        {},
        { phase: 'check' },
        move(200),
        move(195),
        move(150),
        { phase: 'settle' },
        { phase: 'confirm', outcome: 'succeeded' },
      ),
      [
        'asked',
        'check',
        'move',
        '  0 of 4 shards, 0 bytes of 200.0 MB, 2.0 MB/s, 1 min 40 s to go; orders 102008 to worker-1:5432: Copying Data',
        '  1 of 4 shards, 50.0 MB of 200.0 MB, 2.0 MB/s, 1 min 15 s to go; orders 102008 to worker-1:5432: Copying Data',
        'settle',
        'confirm',
        '',
      ].join('\n'),
    )
  })

  test('is a bar on a terminal, drawn over the one before', () => {
    const text = shown(true, { phase: 'move', progress: progress(200) }, { phase: 'move', progress: progress(100) })
    assert.match(text, /\[\.{24}\] 0 of 4 shards/)
    assert.ok(text.includes(`\r\u001B[2K  [${'#'.repeat(12)}${'.'.repeat(12)}] 2 of 4 shards, 100.0 MB of 200.0 MB`))
    assert.ok(text.endsWith('\r\u001B[2K'))
  })

  test('counts shards where nobody knows bytes', () => {
    const blind = progress(100, {
      totalBytes: null,
      leftBytes: null,
      bytesPerSecond: null,
      etaSeconds: null,
      moving: '',
    })
    assert.match(shown(true, { phase: 'move', progress: blind }), /\[#{12}\.{12}\] 2 of 4 shards\r/)
  })

  test('says what it waits for, each once', () => {
    const waits = { phase: 'settle', reason: 'worker-1:5432 does not say (refused)' }
    assert.equal(
      shown(false, waits, waits, 'refused', 'refused'),
      'settle\n  worker-1:5432 does not say (refused)\n  the coordinator does not answer: refused\n',
    )
    assert.match(shown(false, { phase: 'move', toldMs: 21_000 }), /^ {2}waits for the coordinator's sidecar$/m)
    assert.match(shown(false, { toldMs: null, phaseMs: 21_000 }), /^ {2}waits for the coordinator's sidecar$/m)
  })
})

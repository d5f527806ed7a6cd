// Who is asked to leave when: idle clients first, running transactions late, Citus' own sessions last.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { verdictOn } from '../../../agent/drain/clients.ts'
import type { ClientSession } from '../../../agent/drain/clients.ts'

const client: ClientSession = { pid: 1, idle: true, internal: false, sinceMs: 5_000, who: 'app of app' }
const rows: readonly [
  what: string,
  change: Partial<ClientSession>,
  spent: number,
  clientsWork: boolean,
  verdict: string,
][] = [
  ['an idle client leaves at once', {}, 0, true, 'end-idle'],
  ['a client that pauses between two transactions is spared at first', { sinceMs: 10 }, 0, true, 'wait'],
  ['and leaves at its next pause later', { sinceMs: 10 }, 0.3, true, 'end-idle'],
  ['a running transaction may end', { idle: false }, 0.5, true, 'wait'],
  ['then it is cancelled', { idle: false }, 0.6, true, 'cancel'],
  ['then it is cut', { idle: false }, 0.8, true, 'end'],
  ["Citus' session stays while a client works", { internal: true }, 0.5, true, 'wait'],
  ["Citus' session leaves once no client works", { internal: true }, 0, false, 'end-idle'],
  ["Citus' work for a client elsewhere may end", { internal: true, idle: false }, 0.5, false, 'wait'],
  ['it too is cut in the end', { internal: true, idle: false }, 0.8, true, 'end'],
]

suite('draining clients', () => {
  for (const [what, change, spent, clientsWork, verdict] of rows)
    test(what, () => assert.equal(verdictOn({ ...client, ...change }, spent, clientsWork), verdict))
})

// Events of this pod for Kubernetes: what they look like, and that they are few whatever happens and whatever the API does.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as z from 'zod'
import { events } from '../../../agent/events.ts'
import type { EventName } from '../../../agent/events.ts'
import { podEventOf } from '../../../agent/kubernetes/event-table.ts'
import { PodEvents } from '../../../agent/kubernetes/pod-events.ts'
import { eventually } from '../../../deploy/local/eventually.ts'
import { page, rowsUnder } from '../../support/documents.ts'
import { KubernetesApi, namespace, podUid } from '../../support/kubernetes-api.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { keepReports } from '../../support/reports.ts'

/** 2026-01-01T00:00:00Z. */
const start = 1_767_225_600_000

function told(api: KubernetesApi) {
  const clock = new ManualClock(start)
  const { report, said } = keepReports()
  return { clock, said, to: new PodEvents({ place: api.place, node: 'worker-0', clock, report }) }
}

const reasons = (api: KubernetesApi): unknown[] => api.events.map(({ reason }) => reason)
const refused = (n: number) => ({ code: 'removed', reason: `it was removed ${n} times`, action: 'accept' })

/** Core/v1 Event as the API server checks it, strictly: a field more would be dropped without a word. */
const eventSchema = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Event'),
  metadata: z.strictObject({ generateName: z.string(), namespace: z.string() }),
  involvedObject: z.strictObject({
    apiVersion: z.literal('v1'),
    kind: z.literal('Pod'),
    namespace: z.string(),
    name: z.string(),
    uid: z.string().optional(),
  }),
  type: z.enum(['Normal', 'Warning']),
  reason: z.string().regex(/^[A-Z][A-Za-z]{1,127}$/),
  message: z.string().min(1).max(1_024),
  source: z.strictObject({ component: z.string() }),
  reportingComponent: z.string(),
  reportingInstance: z.string(),
  firstTimestamp: z.iso.datetime(),
  lastTimestamp: z.iso.datetime(),
  count: z.literal(1),
})

suite('an event for Kubernetes', () => {
  test('is about the pod, with its time, reason and words', async () => {
    await using api = await KubernetesApi.start('citus-worker-0')
    const { to } = told(api)
    to.take('drain.ended', { operation: 'o', outcome: 'undone', reason: 'hold: nobody answered', tookMs: 900 })
    await to[Symbol.asyncDispose]()
    assert.deepEqual(api.events, [
      {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { generateName: 'citus-worker-0.', namespace },
        involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace, name: 'citus-worker-0', uid: podUid },
        type: 'Warning',
        reason: 'DrainIncomplete',
        message: 'the drain left something undone: hold: nobody answered',
        source: { component: 'citus-sidecar' },
        reportingComponent: 'citus-sidecar',
        reportingInstance: 'citus-worker-0',
        firstTimestamp: '2026-01-01T00:00:00.000Z',
        lastTimestamp: '2026-01-01T00:00:00.000Z',
        count: 1,
      },
    ])
    eventSchema.parse(api.events[0])
  })

  test('has the uid of the pod as the API says, where the token does not', async () => {
    await using api = await KubernetesApi.start(undefined)
    api.pod('worker-0')
    const { to } = told(api)
    to.take('drain.started', { endsInMs: 105_000 })
    to.take('drain.back', { waitedMs: 320 })
    await eventually('both are there', () => api.events.length === 2)
    for (const event of api.events) assert.equal(eventSchema.parse(event).involvedObject.uid, podUid)
    assert.equal(api.asked.filter((one) => one.startsWith('GET')).length, 1, 'asked for once')
  })

  test('is written without a uid where the pod may not be read', async () => {
    await using api = await KubernetesApi.start(undefined)
    const { to } = told(api)
    to.take('drain.started', { endsInMs: 105_000 })
    await eventually('it is there', () => api.events.length === 1)
    assert.equal(eventSchema.parse(api.events[0]).involvedObject.uid, undefined)
  })

  test('is cut where it is longer than the API takes', () => {
    const event = podEventOf('drain.ended', { outcome: 'undone', reason: 'x'.repeat(5_000) })
    assert.equal(event?.message.length, 1_024)
  })

  test('comes of few of our own events, and docs/events.md has them', () => {
    const outcomes = ['complete', 'undone', 'cancelled'].map((outcome) => ({ outcome }))
    const made = (Object.keys(events) as EventName[]).flatMap((name) =>
      (name === 'drain.ended' ? outcomes : [{}]).flatMap((details) => {
        const event = podEventOf(name, details)
        return event === undefined ? [] : [`${event.reason} ${event.type} ${name}`]
      }),
    )
    const rows = rowsUnder(page('docs/events.md'), 'reason', 'type', 'of event')
    const documented = rows.map(({ cells }) => `${cells['reason']} ${cells['type']} ${cells['of event']}`)
    assert.deepEqual(documented.toSorted(), made.toSorted())
    assert.equal(podEventOf('drain.phase', { phase: 'hold' }), undefined)
  })
})

suite('events for Kubernetes', () => {
  test('of the same reason and message are one a minute', async () => {
    await using api = await KubernetesApi.start('worker-0')
    const { clock, to } = told(api)
    const again = (): void => to.take('join.refused', refused(1))
    again()
    again()
    to.take('join.refused', refused(2))
    await clock.advance(59_999)
    again()
    await eventually('two are there', () => api.events.length === 2)
    await clock.advance(1)
    again()
    await eventually('the third is there', () => api.events.length === 3)
    assert.deepEqual(
      api.events.map(({ message }) => String(message).replace(/.* (\d) .*/, '$1')),
      ['1', '2', '1'],
    )
  })

  test('wait in a short queue while the API is slow; more are dropped', async () => {
    await using api = await KubernetesApi.start('worker-0')
    api.mood = 'silent'
    const { clock, to } = told(api)
    for (let n = 0; n < 100; n += 1) to.take('join.refused', refused(n))
    await eventually('the first is on its way', () => api.asked.length === 1)
    await api.leave()
    await eventually('it is to be tried again', () => clock.sleepers === 1)
    api.mood = 'well'
    await api.arrive()
    await clock.advance(1_000)
    to.take('drain.back', { waitedMs: 1 })
    await eventually('all are there that waited', () => api.events.length >= 16)
    await to[Symbol.asyncDispose]()
    const messages = api.events.map(({ message }) => String(message).replace(/.* (\d+) times.*/, '$1'))
    assert.deepEqual(messages.slice(0, 16), [...Array(16).keys()].map(String))
    assert.ok(messages.length <= 17)
  })

  test('that may not be written are not tried for an hour, which is said once', async () => {
    await using api = await KubernetesApi.start('worker-0')
    api.denied.add('POST events')
    const { clock, said, to } = told(api)
    to.take('drain.started', { endsInMs: 1 })
    to.take('drain.back', { waitedMs: 1 })
    await eventually('it is said', () => said.length === 1)
    assert.equal(said[0]?.name, 'kubernetes.events-off')
    assert.match(String(said[0].details['reason']), /HTTP 403, events is forbidden/)
    api.denied.clear()
    await clock.advance(3_599_999)
    to.take('drain.started', { endsInMs: 2 })
    await clock.advance(1)
    assert.equal(api.asked.length, 1)
    to.take('drain.started', { endsInMs: 3 })
    await eventually('one is there', () => api.events.length === 1)
    assert.deepEqual([reasons(api), said.length], [['DrainStarted'], 1])
  })

  test('of an API that fails are tried three times, then lost, which is said once', async () => {
    await using api = await KubernetesApi.start('worker-0')
    api.mood = 'broken'
    const { clock, said, to } = told(api)
    for (const tries of [3, 6]) {
      to.take('drain.started', { endsInMs: tries * 1_000 })
      for (const pause of [1_000, 5_000]) {
        await eventually('it waits', () => clock.sleepers === 1)
        await clock.advance(pause)
      }
      await eventually('it was tried for the last time', () => api.asked.length === tries)
    }
    api.mood = 'well'
    to.take('drain.back', { waitedMs: 1 })
    await eventually('the next one is there', () => api.events.length === 1)
    assert.deepEqual(reasons(api), ['NodeBack'])
    assert.deepEqual(
      said.map(({ name }) => name),
      ['kubernetes.event-lost'],
    )
  })

  test('go on with a token that was replaced', async () => {
    await using api = await KubernetesApi.start('worker-0')
    const { to } = told(api)
    to.take('drain.started', { endsInMs: 1 })
    await eventually('the first is there', () => api.events.length === 1)
    await api.rotate()
    to.take('drain.back', { waitedMs: 1 })
    await eventually('the second is there', () => api.events.length === 2)
  })

  test('that wait when the sidecar ends are written, but an API that does not answer keeps nobody', async () => {
    await using api = await KubernetesApi.start('worker-0')
    const first = told(api).to
    first.take('drain.started', { endsInMs: 1 })
    first.take('drain.unclean', {})
    await first[Symbol.asyncDispose]()
    assert.deepEqual(reasons(api), ['DrainStarted', 'UncleanStop'])
    first.take('drain.back', { waitedMs: 1 })
    api.mood = 'silent'
    const second = told(api)
    second.to.take('drain.started', { endsInMs: 1 })
    await eventually('it is on its way', () => api.asked.length === 3)
    const ended = second.to[Symbol.asyncDispose]()
    await second.clock.advance(500)
    await ended
    assert.equal(api.events.length, 2)
  })
})

// Readings of families are told as long as they are worth it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Snapshot } from '../../../exporters/exporter.ts'
import { ReadingTexts } from '../../../exporters/prometheus/reading-texts.ts'
import { FamilyReading, gauge } from '../../../probes/collection.ts'
import { good, now } from '../../support/node-state.ts'

test('a reading is told until it is too old, and a new one in its place', () => {
  const reading = (value: number): FamilyReading =>
    new FamilyReading([{ spec: gauge('a', 'A.', 'n'), samples: [{ labels: {}, value }], dropped: 0 }], 300_000)
  const texts = new ReadingTexts()
  const first = reading(1)
  const at = (age: number, found = first): string => {
    const readings = { 'postgres.tables': good('postgres.tables', found, age) }
    return texts.text({ now, readings } as unknown as Snapshot, 'text')
  }
  assert.match(at(0), /^a 1$/m)
  assert.equal(at(300_000), at(0))
  assert.equal(at(300_001), '')
  assert.match(at(0, reading(2)), /^a 2$/m)
})

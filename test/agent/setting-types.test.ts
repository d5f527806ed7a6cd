// The types of settings: what a person writes and what it becomes, there and back.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import {
  duration,
  formatDuration,
  formatSize,
  hostPort,
  hostPorts,
  integer,
  oneOf,
  size,
} from '../../agent/setting-types.ts'
import type { SettingType } from '../../agent/setting-types.ts'

function accepts(type: SettingType<unknown>, text: string): boolean {
  return type.schema.safeParse(text).success
}

const year = 31_536_000_000

suite('durations', () => {
  const any = duration(0, year)

  test('survive being written and read', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: year }), (ms) => any.schema.parse(formatDuration(ms)) === ms))
  })

  test('are written with the largest unit that fits evenly', () => {
    assert.deepEqual([0, 1, 999, 1_000, 90_000, 60_000, 3_600_000, 86_400_000, 90_000_000].map(formatDuration), [
      '0s',
      '1ms',
      '999ms',
      '1s',
      '90s',
      '1m',
      '1h',
      '1d',
      '25h',
    ])
  })

  test('are accepted within their bounds, both included, and nowhere else', () => {
    const bounds = fc
      .tuple(fc.nat(1_000_000), fc.nat(1_000_000))
      .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
    fc.assert(
      fc.property(bounds, fc.nat(1_200_000), ([min, max], ms) => {
        assert.equal(accepts(duration(min, max), `${ms}ms`), ms >= min && ms <= max)
      }),
    )
  })

  test('need a unit, and mean what it says', () => {
    const units: readonly [string, number][] = [
      ['ms', 1],
      ['s', 1_000],
      ['m', 60_000],
      ['h', 3_600_000],
      ['d', 86_400_000],
    ]
    fc.assert(
      fc.property(fc.nat(300), fc.constantFrom(...units), (number, [unit, factor]) => {
        assert.equal(any.schema.parse(`${number}${unit}`), number * factor)
        assert.equal(accepts(any, String(number)), false)
      }),
    )
  })

  test('are nothing else: other text is refused, never read as something', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!/^\d{1,12}(ms|s|m|h|d)$/.test(text))
        assert.equal(accepts(any, text), false)
      }),
    )
  })
})

suite('sizes', () => {
  const any = size(0, Number.MAX_SAFE_INTEGER)

  test('survive being written and read', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 49 }), (bytes) => any.schema.parse(formatSize(bytes)) === bytes),
    )
  })

  test('have units of 1024', () => {
    assert.deepEqual(
      ['1', '1B', '1kB', '1MB', '1GB', '1TB'].map((text) => any.schema.parse(text)),
      [1, 1, 1_024, 1_048_576, 1_073_741_824, 1_099_511_627_776],
    )
  })

  test('never become a number that cannot be counted exactly', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 10n ** 15n - 1n }),
        fc.constantFrom('B', 'kB', 'MB', 'GB', 'TB'),
        (number, unit) => {
          const parsed = any.schema.safeParse(`${number}${unit}`)
          if (parsed.success) assert.ok(Number.isSafeInteger(parsed.data))
        },
      ),
    )
  })

  test('are nothing else', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!/^\d{1,15}(B|kB|MB|GB|TB)?$/.test(text))
        assert.equal(accepts(any, text), false)
      }),
    )
  })
})

suite('addresses', () => {
  const name = fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?$/)
  const number = fc.integer({ min: 1, max: 65_535 })

  test('have a host and, where it is given, a port', () => {
    fc.assert(
      fc.property(name, number, (host, port) => {
        assert.deepEqual(hostPort().schema.parse(host), { host, port: undefined })
        assert.deepEqual(hostPort().schema.parse(`${host}:${port}`), { host, port })
      }),
    )
  })

  test('of IPv6 stand in brackets', () => {
    assert.deepEqual(hostPort().schema.parse('[::1]:5432'), { host: '::1', port: 5_432 })
    assert.deepEqual(hostPort().schema.parse('[fe80::1]'), { host: 'fe80::1', port: undefined })
    assert.equal(accepts(hostPort(), '::1'), false)
  })

  test('in a list keep their order', () => {
    const lists = fc.array(fc.tuple(name, number), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(lists, (list) => {
        const text = list.map(([host, port]) => `${host}:${port}`).join(', ')
        assert.deepEqual(
          hostPorts().schema.parse(text),
          list.map(([host, port]) => ({ host, port })),
        )
      }),
    )
  })

  test('never come out of text with blanks, quotes or control characters', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom(' ', '\n', '\0', '"', "'", ';', '/'), fc.string(), (a, odd, b) => {
        assert.equal(accepts(hostPort(), `${a}${odd}${b}`), false)
      }),
    )
  })
})

test('whole numbers within bounds, nothing like a number', () => {
  fc.assert(
    fc.property(fc.integer(), (number) => {
      assert.equal(accepts(integer(0, 1_000), String(number)), number >= 0 && number <= 1_000)
    }),
  )
  for (const text of ['', ' 1', '1 ', '1.0', '1e2', '0x1', '+1', '١'])
    assert.equal(accepts(integer(0, 1_000), text), false)
})

test('a word of a list says all of them', () => {
  assert.equal(oneOf('a', 'b').allowed, 'a, b')
  assert.ok(accepts(oneOf('a', 'b'), 'b'))
  assert.ok(!accepts(oneOf('a', 'b'), 'toString'))
})

// What the demo writes where lines can be redrawn and where they cannot.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Expectations } from '../../../deploy/local/demo-expectations.ts'
import { DemoScreen } from '../../../deploy/local/demo-screen.ts'

function screenOf(isTTY: boolean, columns = 80): { screen: DemoScreen; written: () => string } {
  const pieces: string[] = []
  const output = { isTTY, columns, write: (text: string) => pieces.push(text) }
  return { screen: new DemoScreen(output, 1_000), written: () => pieces.join('') }
}

suite("the demo's screen", () => {
  test('elsewhere than on a terminal it writes plain lines, and the table when it says something new', () => {
    const { screen, written } = screenOf(false)
    screen.passing('wait …')
    screen.say('it began', 1_000)
    screen.show('NODE  SEEN\na  1 s ago\n', 'a')
    screen.show('NODE  SEEN\na  2 s ago\n', 'a')
    screen.say('a was lost', 13_540)
    screen.show('NODE  SEEN\na  3 s ago\n', 'a lost')
    assert.equal(
      written(),
      '   0.0 s  it began\n\nNODE  SEEN\na  1 s ago\n\n  12.5 s  a was lost\n\nNODE  SEEN\na  3 s ago\n\n',
    )
  })

  test('on a terminal the table stands below the story and is redrawn in place, never wider than the terminal', () => {
    const { screen, written } = screenOf(true, 30)
    screen.passing('wait …')
    screen.say('it began', 1_000)
    screen.show(`NODE\n${'x'.repeat(50)}\n`, 'a')
    screen.say('more', 2_000)
    const table = `\nNODE\n${'x'.repeat(29)}\n`
    assert.equal(
      written(),
      `\u001B[2Kwait …\r\r\u001B[J   0.0 s  it began\n\r\u001B[J${table}\u001B[3A\r\u001B[J   1.0 s  more\n${table}`,
    )
  })

  test('what was expected and did not happen is kept with what was seen instead', async () => {
    const { screen, written } = screenOf(false)
    const expectations = new Expectations(screen)
    await expectations.check('it is ready', true, () => 'after 1 s')
    await expectations.check('it stays ready', false, async () => await Promise.resolve('not ready since 2 s'))
    assert.deepEqual(expectations.missed, ['it stays ready (not ready since 2 s)'])
    assert.equal(expectations.count, 2)
    assert.match(written(), / s {2}as it should: it is ready \(after 1 s\)\n/)
    assert.match(written(), / s {2}NOT AS IT SHOULD: it stays ready \(not ready since 2 s\)\n/)
  })
})

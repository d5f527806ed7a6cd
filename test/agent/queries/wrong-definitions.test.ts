// Everything that can be wrong in a file of own queries is told with the place, the thing, the value and what is allowed.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { numbers, parsed, withLines } from '../../support/query-texts.ts'

const statement = 'query: select 1 as n'
const wrongs: readonly (readonly [what: string, text: string, ...wrong: readonly string[]])[] = [
  ['a list', '- a', '1:1: the file: is a list; allowed: queries by the first part of their metrics’ names'],
  [
    'no YAML',
    'a: [1',
    '1:6: is no YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
  ],
  [
    'two documents',
    'a: 1\n---\nb: 1',
    '2:1: is no YAML: Source contains multiple documents; please use YAML.parseAllDocuments()',
  ],
  [
    'an alias',
    withLines('query: &q select 1', 'database: *q', numbers),
    '3:13: an alias (*name) is not accepted; allowed: the value itself',
  ],
  ['a query that is no map', 'a: select 1', '1:4: a: is a text; allowed: a map of its keys'],
  [
    'nothing in a query',
    'a: {}',
    '1:1: a: has no query, and every query needs it',
    '1:1: a: has no metrics, and every query needs it',
  ],
  [
    'an unknown key',
    withLines(statement, numbers, 'retries: 3'),
    '4:3: a: "retries" is no key of a query; allowed: query, master, runonserver, cache_seconds, interval, timeout, database, role, metrics',
  ],
  [
    'a key that objects have',
    withLines(statement, numbers, 'constructor: 3'),
    '4:3: a: "constructor" is no key of a query; allowed: query, master, runonserver, cache_seconds, interval, timeout, database, role, metrics',
  ],
  ['a key twice', withLines(statement, numbers, statement), '4:3: a.query: is there already, in line 2; allowed: once'],
  [
    'a name twice',
    `${withLines(statement, numbers)}${withLines(statement, numbers)}`,
    '4:1: a: is there already, in line 1; allowed: once',
  ],
  [
    'a name that is none',
    `a-b:\n  ${statement}\n  ${numbers}`,
    '1:1: the name of a query: "a-b" is not accepted; allowed: letters, digits and _, no digit first and no __, at most 100',
  ],
  [
    'a statement that writes',
    withLines('query: delete from a', numbers),
    '2:10: a.query: "delete from a" is not accepted; allowed: one statement that begins with select, with, values or table',
  ],
  [
    'a duration without unit',
    withLines(statement, 'interval: 30', numbers),
    '3:13: a.interval: "30" is not accepted; allowed: a duration from 1s to 1d, with unit ms, s, m, h or d',
  ],
  [
    'a timeout above a minute',
    withLines(statement, 'timeout: 61s', numbers),
    '3:12: a.timeout: "61s" is not accepted; allowed: a duration from 100ms to 1m, with unit ms, s, m, h or d',
  ],
  [
    'no seconds',
    withLines(statement, 'cache_seconds: 0', numbers),
    '3:18: a.cache_seconds: "0" is not accepted; allowed: a whole number from 1 to 86400',
  ],
  [
    'a flag that is none',
    withLines(statement, 'master: maybe', numbers),
    '3:11: a.master: "maybe" is not accepted; allowed: true or false',
  ],
  [
    'no range',
    withLines(statement, 'runonserver: new', numbers),
    '3:16: a.runonserver: "new" is not accepted; allowed: a range such as ">=14.0.0 <17.0.0", with >=, >, <=, <, =, != and ||',
  ],
  [
    'an unknown role',
    withLines(statement, 'role: [worker, pooler]', numbers),
    '3:18: a.role: "pooler" is not accepted; allowed: coordinator, worker, standalone',
  ],
  [
    'no role',
    withLines(statement, 'role: []', numbers),
    '3:9: a.role: is an empty list; allowed: coordinator, worker, standalone',
  ],
  [
    'a database that is a list',
    withLines(statement, 'database: [a]', numbers),
    '3:13: a.database: a list is not accepted; allowed: a database name of at most 63 bytes',
  ],
  [
    'metrics that are no list',
    withLines(statement, 'metrics: { n: { usage: GAUGE } }'),
    '3:12: a.metrics: is a map; allowed: a list such as "- datname: { usage: LABEL }"',
  ],
  [
    'no numbers',
    withLines(statement, 'metrics: [{ n: { usage: LABEL } }]'),
    '3:3: a.metrics: has no column with a number; allowed: at least one with usage GAUGE or COUNTER',
  ],
  [
    'a column twice',
    withLines(statement, 'metrics: [{ n: { usage: GAUGE } }, { n: { usage: LABEL } }]'),
    '3:40: a.metrics.n: is there already, in line 3; allowed: once',
  ],
  [
    'an unknown usage',
    withLines(statement, 'metrics: [{ n: { usage: GAUGE } }, { m: { usage: SUM } }]'),
    '3:52: a.metrics.m.usage: "SUM" is not accepted; allowed: LABEL, GAUGE, COUNTER, DISCARD',
  ],
  [
    'no usage',
    withLines(statement, 'metrics: [{ n: { usage: GAUGE } }, { m: { description: x } }]'),
    '3:40: a.metrics.m.usage: "" is not accepted; allowed: LABEL, GAUGE, COUNTER, DISCARD',
  ],
  [
    'a usage that is left out here',
    withLines(statement, 'metrics: [{ n: { usage: GAUGE } }, { m: { usage: DURATION } }]'),
    '3:52: a.metrics.m.usage: DURATION is not supported; make seconds of it with `extract(epoch from …)` in the query, and use GAUGE',
  ],
  [
    'a mapping',
    withLines(
      statement,
      'metrics: [{ n: { usage: GAUGE } }, { m: { usage: mappedmetric, metric_mapping: { a: 1 } } }]',
    ),
    '3:66: a.metrics.m: "metric_mapping" is no key of a column; allowed: usage, description',
    '3:52: a.metrics.m.usage: mappedmetric is not supported; make a number of it with `case` in the query, and use GAUGE',
  ],
  [
    'a label that is none',
    withLines(statement, 'metrics: [{ n: { usage: GAUGE } }, { a b: { usage: LABEL } }]'),
    '3:40: the name of a column: "a b" is not accepted; allowed: letters, digits and _, no digit first and no __, at most 100',
  ],
  [
    'a label that is Prometheus’ own',
    withLines(statement, 'metrics: [{ n: { usage: GAUGE } }, { __name__: { usage: LABEL } }]'),
    '3:40: the name of a column: "__name__" is not accepted; allowed: letters, digits and _, no digit first and no __, at most 100',
  ],
  [
    'too many columns',
    withLines(statement, `metrics: [${Array.from({ length: 101 }, (_, n) => `{ c${n}: { usage: GAUGE } }`).join()}]`),
    '3:3: a.metrics: has 101 columns; allowed: at most 100',
  ],
  [
    'what is too deep',
    `a: ${'['.repeat(9)}${']'.repeat(9)}`,
    '1:12: is nested more than 8 levels deep; allowed: fewer',
  ],
]

suite('a file of queries', () => {
  for (const [what, text, ...wrong] of wrongs)
    test(`with ${what} says what is wrong, where, and what is allowed`, async () => {
      const found = await parsed(text)
      assert.deepEqual(found.wrong, wrong)
      assert.ok(found.queries.length <= Number(what === 'a name twice'))
    })
})

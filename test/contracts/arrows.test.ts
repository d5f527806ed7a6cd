// The import law: agent -> exporters -> probes, one way; deploy may import them; nothing imports test; no circles.
import assert from 'node:assert/strict'
import { builtinModules } from 'node:module'
import { suite, test } from 'node:test'
import { page } from '../support/documents.ts'
import { sourcesIn } from '../support/sources.ts'
import type { Source } from '../support/sources.ts'

const sources = sourcesIn('agent', 'exporters', 'probes', 'deploy', 'test')
const byPath = new Map(sources.map((source) => [source.path, source]))
const areaOf = (path: string): string => path.split('/')[0] ?? ''

/** What each area may import besides itself. */
const law: Readonly<Record<string, readonly string[]>> = {
  probes: [],
  exporters: ['probes'],
  agent: ['exporters', 'probes'],
  deploy: ['agent', 'exporters', 'probes'],
  test: ['agent', 'exporters', 'probes', 'deploy'],
}

/** A way round from a file back to itself; undefined where there is none. */
function circleFrom(start: Source, finished: Set<string>): readonly string[] | undefined {
  const walk = (source: Source, trail: readonly string[]): readonly string[] | undefined => {
    if (trail.includes(source.path)) return [...trail.slice(trail.indexOf(source.path)), source.path]
    if (finished.has(source.path)) return undefined
    for (const { target, own, typesOnly } of source.imports) {
      const next = own && !typesOnly ? byPath.get(target) : undefined
      const circle = next === undefined ? undefined : walk(next, [...trail, source.path])
      if (circle !== undefined) return circle
    }
    finished.add(source.path)
    return undefined
  }
  return walk(start, [])
}

suite('imports', () => {
  test('are read from all files, and lead to files', () => {
    assert.ok(sources.length > 150, `${sources.length} files`)
    assert.ok(sources.flatMap(({ imports }) => imports).length > 600)
    for (const { path, imports } of sources)
      for (const { own, target } of imports)
        if (own && !target.endsWith('.json')) assert.ok(byPath.has(target), `${path} imports ${target}`)
  })

  for (const [area, allowed] of Object.entries(law)) {
    test(`of ${area} go to ${[area, ...allowed].join(', ')} and nowhere else`, () => {
      const files = sources.filter(({ path }) => areaOf(path) === area)
      assert.ok(files.length > 2)
      const wrong = files.flatMap(({ path, imports }) =>
        imports
          .filter(({ own, target }) => own && ![area, ...allowed].includes(areaOf(target)))
          .map(({ target }) => `${path} -> ${target}`),
      )
      assert.deepEqual(wrong, [])
    })
  }

  test('go in no circle at run time', () => {
    const finished = new Set<string>()
    for (const source of sources) assert.equal(circleFrom(source, finished)?.join(' -> '), undefined)
  })
})

suite('packages', () => {
  const manifest = JSON.parse(page('package.json')) as Readonly<Record<'dependencies' | 'devDependencies', object>>
  const packageOf = (target: string): string =>
    target
      .split('/')
      .slice(0, target.startsWith('@') ? 2 : 1)
      .join('/')
  const used = (...areas: readonly string[]): readonly (readonly [path: string, name: string])[] =>
    sources
      .filter(({ path }) => areas.includes(areaOf(path)))
      .flatMap(({ path, imports }) =>
        imports
          .filter(({ own, target }) => !own && !target.startsWith('node:'))
          .map(({ target }) => [path, packageOf(target)] as const),
      )

  test('that the running sidecar uses are installed with it', () => {
    for (const [path, name] of used('agent', 'exporters', 'probes'))
      assert.ok(name in manifest.dependencies, `${path} uses ${name}`)
  })

  test('that anything uses are named in package.json', () => {
    for (const [path, name] of used('deploy', 'test'))
      assert.ok(name in manifest.dependencies || name in manifest.devDependencies, `${path} uses ${name}`)
  })

  test('of Node are imported with node: before their name', () => {
    for (const [path, name] of used(...Object.keys(law))) assert.ok(!builtinModules.includes(name), `${path}: ${name}`)
  })

  for (const [name, only] of [
    ['pg-listen', 'agent/pg/listener.ts'],
    ['fastify', /^agent\/http\//],
    ['prom-client', /^exporters\/prometheus\//],
    ['pino', 'agent/log.ts'],
  ] as const)
    test(`${name} is known to ${typeof only === 'string' ? only : only.source.replaceAll(/[\\^]/g, '')} alone`, () => {
      const users = used('agent', 'exporters', 'probes').filter(([, one]) => one === name)
      assert.ok(users.length > 0)
      for (const [path] of users) assert.ok(typeof only === 'string' ? path === only : only.test(path), path)
    })

  test('probes need none at all', () => assert.deepEqual(used('probes'), []))
})

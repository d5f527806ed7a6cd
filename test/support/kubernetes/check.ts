// A check of manifests as tests: it has nothing against the overlays, and says so where one thing in them is changed for the worse.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { changed } from './edit.ts'
import type { Edit } from './edit.ts'
import { withoutKubectl } from './kustomize.ts'
import type { KubernetesObject } from './objects.ts'
import { overlay } from './overlays.ts'
import type { OverlayName } from './overlays.ts'

/** What is wrong with the objects, a line each. */
export type Check = (objects: readonly KubernetesObject[]) => readonly string[]

/** A change for the worse, and what the check must say of it. */
export type Breakage = readonly [...edit: Edit, says: RegExp]

/** One suite; the changes are made to the last of the overlays. */
export function testCheck(
  what: string,
  check: Check,
  breakages: readonly Breakage[],
  overlays: readonly OverlayName[] = ['dev', 'prod'],
): void {
  suite(what, { skip: withoutKubectl }, () => {
    for (const name of overlays)
      test(`in overlay ${name}`, async () => assert.deepEqual(check(await overlay(name)), []))

    for (const [object, path, to, says] of breakages)
      test(`and not where ${path} of ${object} ${to === undefined ? 'is missing' : `is ${JSON.stringify(to)}`}`, async () => {
        const found = check(changed(await overlay(overlays.at(-1) ?? 'prod'), [object, path, to]))
        assert.ok(
          found.some((line) => says.test(line)),
          `expected ${says}, found:\n${found.join('\n')}`,
        )
      })
  })
}

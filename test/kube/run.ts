// npm run test:kube: builds and loads the images, then runs every scenario on the cluster that KUBECONFIG names, one after the other.
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { buildImages, loadImages } from './images.ts'
import { kubectl } from './kubectl.ts'

const words = process.argv.slice(2)
const { KUBE_LOAD: load = '', KUBE_IMAGES: kept = '', CITUS_FILES: citusFiles } = process.env

function fail(message: string): never {
  process.stderr.write(`test:kube: ${message}\n`)
  process.exit(2)
}

const version = await kubectl('version', '-o', 'json').catch((error: unknown) =>
  fail(`no cluster answers: set KUBECONFIG (${error instanceof Error ? error.message : String(error)})`),
)
const server = /"serverVersion"[\s\S]*?"gitVersion": "([^"]+)"/.exec(version)?.[1] ?? '?'
if (kept !== 'kept') {
  if (load === '')
    fail(
      'set KUBE_LOAD to the command that takes an image archive into the cluster, `kind load image-archive` for example',
    )
  await buildImages(citusFiles)
  await loadImages(load)
}
const files = globSync('test/kube/*.suite.ts')
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .toSorted()
if (files.length === 0) fail(`no scenario matches ${words.join(', ')}`)
process.stdout.write(
  `Kubernetes ${server}, ${citusFiles === undefined ? 'Citus stand-in (control plane only)' : 'real Citus'}\n`,
)
// One at a time: each measures, and they share the machine.
const runner = spawn(process.execPath, ['--test', '--test-concurrency=1', '--test-timeout=1800000', ...files], {
  stdio: 'inherit',
})
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => runner.kill(name))
runner.once('exit', (code) => {
  process.exitCode = code ?? 1
})

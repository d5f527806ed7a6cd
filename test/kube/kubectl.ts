// kubectl, as tests on a real cluster use it: the one on PATH, for the cluster that KUBECONFIG names.
import { spawn } from 'node:child_process'
import { runProgram } from '../../deploy/local/run-program.ts'

/** One call; a rollout of a whole cluster is waited for by asking again. Milliseconds. */
const deadline = 120_000

/** Runs kubectl and returns what it printed. @throws Error with its output where it fails. */
export async function kubectl(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram('kubectl', args, { env: process.env, deadline })
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')} ended with ${code}: ${stderr.trim().slice(-2_000)}`)
  return stdout.trim()
}

/** Applies objects; those that a test writes and those of a kustomization alike. */
export async function apply(namespace: string, objects: readonly object[]): Promise<void> {
  await given(['-n', namespace, 'apply', '-f', '-'], { apiVersion: 'v1', kind: 'List', items: objects })
}

/** Posts an object to a path of the API. */
export async function post(path: string, object: object): Promise<void> {
  await given(['create', '--raw', path, '-f', '-'], object)
}

async function given(args: readonly string[], input: object): Promise<void> {
  const child = spawn('kubectl', args, { stdio: ['pipe', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  child.stdin.end(JSON.stringify(input))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')} ended with ${code}: ${said.trim()}`)
}

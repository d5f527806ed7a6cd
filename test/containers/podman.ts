// podman, as tests of images use it.
import { runProgram } from '../../deploy/local/run-program.ts'

/** A build installs packages; milliseconds. */
const longest = 900_000

/** Runs podman and returns what it printed. @throws Error with its output where it fails. */
export async function podman(args: readonly string[], signal?: AbortSignal): Promise<string> {
  const { code, stdout, stderr } = await runProgram('podman', args, { env: process.env, deadline: longest }, signal)
  if (code !== 0)
    throw new Error(`podman ${args.join(' ')} ended with ${code}:\n${stdout.slice(-2_000)}${stderr.slice(-4_000)}`)
  return stdout.trim()
}

/** Whether an image of this name is here. */
export async function hasImage(image: string): Promise<boolean> {
  const { code } = await runProgram('podman', ['image', 'exists', image], { env: process.env })
  return code === 0
}

/** Builds a Containerfile; its build steps reach the network as this machine does. */
export async function build(
  image: string,
  file: string,
  folder: string,
  buildArguments: Readonly<Record<string, string>>,
): Promise<void> {
  const given = Object.entries(buildArguments).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`])
  await podman([
    'build',
    '--isolation=chroot',
    '--network=host',
    '--pull=never',
    '-q',
    ...given,
    '-t',
    image,
    '-f',
    file,
    folder,
  ])
}

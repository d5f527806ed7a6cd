// npm run test:image: the image as users build it, where podman is.
import { spawn } from 'node:child_process'

const runner = spawn(process.execPath, ['--test', '--test-timeout=1800000', 'test/containers/image.suite.ts'], {
  stdio: 'inherit',
})
runner.once('exit', (code) => {
  process.exitCode = code ?? 1
})

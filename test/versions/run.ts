// npm run test:versions: the questions to PostgreSQL on every major version that npm has a server of; about 30 MB are fetched for each.
import { spawn } from 'node:child_process'

const runner = spawn(process.execPath, ['--test', '--test-timeout=900000', 'test/versions/versions.suite.ts'], {
  stdio: 'inherit',
})
runner.once('exit', (code) => {
  process.exitCode = code ?? 1
})

// Runs one suite that is not of every day: node test/run-suite.ts FILE TIMEOUT (of one test, milliseconds).
import { spawn } from 'node:child_process'

const [file = '', timeout = ''] = process.argv.slice(2)
const runner = spawn(process.execPath, ['--test', `--test-timeout=${timeout}`, file], { stdio: 'inherit' })
// Its servers live outside of it: it has to hear that it is to end.
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => runner.kill(name))
runner.once('exit', (code) => {
  process.exitCode = code ?? 1
})

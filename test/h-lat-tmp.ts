import { ScriptedSidecar, Volume, shells } from './support/prestop.ts'
import { eventually } from '../deploy/local/eventually.ts'
for (const shell of shells) {
  await using v = await Volume.make()
  await using s = new ScriptedSidecar(v)
  const t0 = performance.now()
  const script = v.start(shell)
  await s.asked()
  const out = [`asked ${Math.round(performance.now() - t0)}`]
  for (let i = 0; i < 12; i++) {
    const t = performance.now()
    s.pass('p' + i)
    await eventually('x', () => script.lines.length > i, { interval: 2 })
    out.push(String(Math.round(performance.now() - t)))
  }
  const t = performance.now()
  s.end(true); await script.code
  out.push(`end ${Math.round(performance.now() - t)}`)
  process.stdout.write(shell.join(' ') + ': ' + out.join(' ') + '\n')
}

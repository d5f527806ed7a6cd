// The report of a whole run: docs/benchmarks.md, with the machine it ran on.
import { cpus, totalmem } from 'node:os'
import type { Claim, Result } from './claim.ts'

export interface Measured {
  readonly claim: Claim
  readonly results: readonly Result[]
}

/** On what it was measured: which PostgreSQL and Citus ran, and how long a fixed loop took before and after each claim, milliseconds. */
export interface Ground {
  readonly server: string
  readonly paces: readonly number[]
}

/** How steady the machine was. */
export function paceText(paces: readonly number[]): string {
  const [least, most] = [Math.min(...paces), Math.max(...paces)].map(Math.round)
  return `A fixed loop took ${least} to ${most} ms between the claims: so far apart are the machine's own best and worst moments.`
}

/** The page. */
export function reportText(measured: readonly Measured[], { server, paces }: Ground, at: Date): string {
  const machine = `${cpus().length} cores, ${Math.round(totalmem() / 1024 ** 3)} GiB of memory, Node ${process.versions.node}, ${server}`
  const parts = measured.map(({ claim, results }) => {
    const rows = results.map(
      ({ what, value, target, met }) =>
        `| ${what} | ${value} | ${target ?? 'none'} | ${met === undefined ? '' : met ? 'met' : '**missed**'} |`,
    )
    return [
      `## ${claim.name}`,
      '',
      `${claim.how}.`,
      '',
      '| what | measured | target | |',
      '|---|---|---|---|',
      ...rows,
    ].join('\n')
  })
  const head = `# Benchmarks\n\nWritten by \`npm run bench\` on ${at.toISOString().slice(0, 10)}: ${machine}. Load generator, servers and sidecars shared the machine; sidecars have what the image has: settings of malloc, and what Node compiled before. ${paceText(paces)}`
  return `${[head, ...parts].join('\n\n')}\n`
}

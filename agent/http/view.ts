// What the routes may see: memory, and nothing that could wait for long.
import type { Snapshot } from '../../exporters/exporter.ts'
import type { Format } from '../../exporters/prometheus/exposition.ts'
import type { AskBatch, LinkAnswer } from '../../exporters/statements/link.ts'
import type { Flip } from '../verdict-keeper.ts'
import type { StatusReport } from './status-report.ts'

export interface View {
  snapshot(): Snapshot
  flips(): readonly Flip[]
  status(): StatusReport
  metrics(format: Format): Promise<string>
  /** Parents of tasks, in the order of the asks; left out where no spans are made of queries. @throws when the signal aborts first. */
  links?: ((batch: AskBatch, signal: AbortSignal) => Promise<readonly LinkAnswer[]>) | undefined
}

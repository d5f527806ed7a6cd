// What the routes may see: memory, and nothing that could wait.
import type { Snapshot } from '../../exporters/exporter.ts'
import type { Format } from '../../exporters/prometheus/exposition.ts'
import type { Flip } from '../verdict-keeper.ts'
import type { StatusReport } from './status-report.ts'

export interface View {
  snapshot(): Snapshot
  flips(): readonly Flip[]
  status(): StatusReport
  metrics(format: Format): Promise<string>
}

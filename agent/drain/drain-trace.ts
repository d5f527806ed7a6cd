// The trace of a drain: from its begin until PostgreSQL may be stopped, then the return. Other sidecars' holds for it are part of it,
// and so is what a restarted sidecar goes on with: the trace's context is in the record and in the ledger.
import type { Attributes } from '@opentelemetry/api'
import { OperationTrace } from '../tracing/operation-trace.ts'
import type { DrainRecord } from './record.ts'

type Known = Pick<DrainRecord, 'id' | 'traceparent'>

export class DrainTrace {
  readonly #member: string
  #whole: OperationTrace | undefined
  #return: OperationTrace | undefined

  constructor(member: string) {
    this.#member = member
  }

  /** A drain begins, or goes on after a restart of this sidecar; returns what its record has to keep. */
  begin({ id, traceparent }: Known): string | undefined {
    this.#return = undefined
    this.#whole = new OperationTrace(
      'drain',
      { ...this.#of(id), 'citus.resumed': traceparent !== undefined },
      traceparent,
    )
    return this.#whole.traceparent
  }

  /** What is reported meanwhile is told in the drain, or in the return. */
  within<T>(work: () => T): T {
    const trace = this.#return ?? this.#whole
    return trace === undefined ? work() : trace.within(work)
  }

  async phase<T>(name: string, work: () => Promise<T>): Promise<T> {
    return this.#whole === undefined ? await work() : await this.#whole.part(name, work)
  }

  /** Its last phase has ended. */
  ended(outcome: string, attributes: Attributes): void {
    this.#whole?.set(attributes)
    this.#whole?.end(outcome)
  }

  /** One look at whether the node is back; all looks are one span. */
  async returning<T>({ id, traceparent }: Known, look: () => Promise<T>): Promise<T> {
    this.#return ??= new OperationTrace('drain return', this.#of(id), traceparent)
    return await this.#return.within(look)
  }

  returned(): void {
    this.#return?.end('succeeded')
  }

  #of(id: string): Attributes {
    return { 'citus.operation.id': id, 'citus.operation.kind': 'drain', 'citus.member': this.#member }
  }
}

// The trace of a drain: from its begin until PostgreSQL may be stopped, then the return. Other sidecars' holds for it are part of it,
// and a restarted sidecar goes on in the same span: its context is in the record and in the ledger.
import type { Attributes } from '@opentelemetry/api'
import { OperationTrace } from '../tracing/operation-trace.ts'
import type { DrainRecord } from './record.ts'

type Known = Pick<DrainRecord, 'id' | 'traceparent'>
type Begun = Pick<DrainRecord, 'id' | 'traceparent' | 'startedAt'>

export class DrainTrace {
  readonly #member: string
  #whole: OperationTrace | undefined
  #return: OperationTrace | undefined

  constructor(member: string) {
    this.#member = member
  }

  /** A drain begins, or goes on after a restart of this sidecar; returns what its record has to keep. */
  begin(record: Begun): string | undefined {
    this.#return = undefined
    this.#whole = new OperationTrace('drain', this.#of(record.id), undefined, record)
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

  /** Its last phase has ended; told once its record says so, for a span whose record is open is taken up by the next sidecar. */
  ended(outcome: string, attributes: Attributes, saved: Promise<boolean>): void {
    const whole = this.#whole
    whole?.set(attributes)
    void saved.then((isSaved) => isSaved && whole?.end(outcome))
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

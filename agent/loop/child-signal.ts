// A signal that ends with its parent or by itself. AbortSignal.any says the same, but what it notes about both stays until
// the next big garbage collection: made several times a second, that is most of what an idle sidecar would collect.

/** Made for one wait or one run and disposed of after it. */
export class ChildSignal implements Disposable {
  readonly #parent: AbortSignal
  readonly #controller = new AbortController()
  readonly #onParent = (): void => this.#controller.abort(this.#parent.reason)

  constructor(parent: AbortSignal) {
    this.#parent = parent
    if (parent.aborted) this.#onParent()
    else parent.addEventListener('abort', this.#onParent, { once: true })
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Ends it before its parent. */
  abort(reason?: Error): void {
    this.#controller.abort(reason)
  }

  [Symbol.dispose](): void {
    this.#parent.removeEventListener('abort', this.#onParent)
  }
}

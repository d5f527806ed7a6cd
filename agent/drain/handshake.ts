// The preStop script's side of a drain: both containers share a volume and no network, so they talk through small files.
//
//   handshake/limits   ours: `deadline <s> silence <s>`, after which the script ends by itself
//   handshake/request  the script's: `<id> <asked at> <gives up at>`, in seconds since 1970; renewed while it waits
//   handshake/state    ours: `asked <ids>`, `drain <id>`, a line for each phase that passed, at last `done` or `failed <why>`
//   handshake/beat     ours: changes every second while somebody asks; the script ends when it does not
//   handshake/wake     a pipe of the script's: we write a line into it to say "look"
//
// Each side looks every second; the pipe and the watch only make that sooner.
import { watch } from 'node:fs'
import type { FSWatcher } from 'node:fs'
import { join } from 'node:path'
import { reasonOf } from '../errors.ts'
import type { Report } from '../events.ts'
import { ChildSignal } from '../loop/child-signal.ts'
import type { Clock } from '../loop/clock.ts'
import { replaceFile } from '../../probes/replace-file.ts'
import {
  answerText,
  ForeignFile,
  isFolder,
  makeFolder,
  parseAnswer,
  parseRequest,
  readSmall,
  strangers,
  wakeScripts,
} from './handshake-files.ts'
import type { Request } from './handshake-files.ts'
import { silenceSeconds } from './prestop-script.ts'
import type { DrainView } from './view.ts'

const lookEvery = 1_000
/** A request that was not renewed for so long has nobody behind it any more, milliseconds. */
const requestLapses = 15_000

export interface HandshakeOptions {
  readonly runDir: string
  readonly clock: Clock
  readonly report: Report
  /** Begins a drain or joins the one that is going on. */
  readonly begin: () => Promise<unknown>
  readonly view: () => DrainView | undefined
  readonly limits: () => { readonly deadlineSeconds: number }
}

export class Handshake {
  readonly #options: HandshakeOptions
  readonly #folder: string
  /** The requests that the drain below answers; `over` once its end has been written. */
  #asked: readonly string[] = []
  #drain: string | undefined
  #over = false
  /** A drain before this sidecar's start is joined once. */
  #joined = false
  #ready = false
  #watcher: FSWatcher | undefined
  #strange = false
  #beaten = 0
  #wake = Promise.withResolvers<void>()
  readonly #written = new Map<string, string>()
  /** What was last reported of each file, so that it is said once. */
  readonly #troubles = new Map<string, string>()

  constructor(options: HandshakeOptions) {
    this.#options = options
    this.#folder = join(options.runDir, 'handshake')
  }

  /** The drain has changed: the scripts that wait are told at once. */
  tell(): void {
    this.#wake.resolve()
  }

  /** Answers scripts until the signal aborts. Whatever the volume does is reported and tried again. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers<void>()
      try {
        await this.#look()
        this.#troubles.delete('')
      } catch (error) {
        this.#ready = false
        this.#trouble('handshake.failed', '', error)
      }
      using over = new ChildSignal(signal)
      await Promise.race([this.#wake.promise, this.#options.clock.sleep(lookEvery, over.signal)])
      over.abort()
    }
    this.#watcher?.close()
  }

  async #look(): Promise<void> {
    // Somebody may have emptied the volume: a script has nothing to write into then.
    if (!this.#ready || !(await isFolder(this.#folder))) await this.#prepare()
    if (this.#strange) await this.#lookForStrangers()
    const { begin, view, limits, report } = this.#options
    const request = await this.#request()
    const deadline = Math.max(1, Math.floor(limits().deadlineSeconds))
    await this.#put('limits', `deadline ${deadline} silence ${silenceSeconds}\n`, request !== undefined)
    if (request === undefined && (this.#over || this.#asked.length === 0)) return
    if (request !== undefined) {
      const known = this.#asked.includes(request.id)
      if (!known || !(this.#over || this.#joined)) {
        report('handshake.asked', { request: request.id })
        await begin()
        this.#joined = true
      }
      const drain = view()?.id
      if (!known && drain !== this.#drain) this.#asked = []
      if (!known) [this.#asked, this.#over] = [[...this.#asked, request.id].slice(-16), false]
    }
    const now = view()
    if (now === undefined) return
    // The drain that was asked about has ended and another runs: who still waits is told of that one.
    if (!this.#over) this.#drain = now.id
    if (now.id === this.#drain) {
      const changed = await this.#put('state', answerText(this.#asked, now), request !== undefined)
      if (changed !== 'failed' && now.end !== undefined) this.#over = true
      if (changed === 'written') await wakeScripts(this.#folder)
    }
    if (request !== undefined) await this.#beat()
  }

  async #prepare(): Promise<void> {
    await makeFolder(this.#options.runDir, this.#folder)
    this.#written.clear()
    const answer = parseAnswer((await this.#read('state')) ?? '')
    if (answer !== undefined && this.#asked.length === 0)
      [this.#asked, this.#drain, this.#over] = [answer.asked, answer.drain, answer.over]
    this.#watcher?.close()
    this.#watcher = undefined
    try {
      this.#watcher = watch(this.#folder, { persistent: false }, (_event, name) => {
        if (name === null || name === 'request') this.tell()
        else if (!/^(?:state|beat|limits|wake|request\.\d+)(?:\.new)?$/.test(name)) this.#strange = true
      })
      this.#watcher.on('error', () => this.#watcher?.close())
    } catch {
      // No watches left on this machine: the look every second is enough.
    }
    this.#strange = true
    this.#ready = true
  }

  /** What a script asks right now. */
  async #request(): Promise<Request | undefined> {
    const text = await this.#read('request')
    if (text === undefined) return undefined
    const request = parseRequest(text)
    if (request === undefined) {
      this.#trouble('handshake.ignored', 'request', new ForeignFile('is no request'))
      return undefined
    }
    this.#troubles.delete('request')
    const now = this.#options.clock.now()
    const waits = Math.abs(now - request.askedAt) <= requestLapses && now < request.givesUpAt + 1_000
    return waits ? request : undefined
  }

  async #read(name: string): Promise<string | undefined> {
    try {
      return await readSmall(join(this.#folder, name))
    } catch (error) {
      if (!(error instanceof ForeignFile)) throw error
      this.#trouble('handshake.ignored', name, error)
      return undefined
    }
  }

  async #beat(): Promise<void> {
    const now = this.#options.clock.now()
    // A clock that was set back must not stop the beat.
    if (Math.abs(now - this.#beaten) < lookEvery - 100) return
    if ((await this.#put('beat', `${now}\n`, false)) !== 'failed') this.#beaten = now
  }

  /** Writes a file unless it says so already; while somebody reads it, the file itself is asked whether it does. */
  async #put(name: string, text: string, verify: boolean): Promise<'same' | 'written' | 'failed'> {
    if (this.#written.get(name) === text && (!verify || (await this.#read(name)) === text)) return 'same'
    try {
      await replaceFile(join(this.#folder, name), text)
    } catch (error) {
      this.#written.delete(name)
      this.#trouble('handshake.failed', name, error)
      // Somebody may have removed the folder.
      this.#ready = false
      return 'failed'
    }
    this.#written.set(name, text)
    this.#troubles.delete(name)
    return 'written'
  }

  async #lookForStrangers(): Promise<void> {
    this.#strange = false
    const names = await strangers(this.#folder)
    if (names.length > 0) this.#trouble('handshake.ignored', names.join(', '), new ForeignFile('is none of ours'))
  }

  #trouble(event: 'handshake.ignored' | 'handshake.failed', file: string, error: unknown): void {
    const reason = reasonOf(error)
    if (this.#troubles.get(file) === reason) return
    // Bounded, whatever names somebody invents.
    if (this.#troubles.size > 20) this.#troubles.clear()
    this.#troubles.set(file, reason)
    this.#options.report(event, { file: file === '' ? this.#folder : file, reason })
  }
}

// A folder of logs that a follower reads in steps of a test: every look lists the folder, and what was handed out is kept.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LogFollower } from '../../exporters/statements/follow.ts'
import type { Batch, FollowerFigures } from '../../exporters/statements/follow.ts'
import { fileTree } from './file-trees.ts'
import type { FileTree } from './file-trees.ts'

/** A line as the server would begin it; the time makes it known. */
export function logLine(number: number, more = ''): string {
  const time = new Date(Date.UTC(2026, 10, 26) + number).toISOString().replace('T', ' ').replace('Z', ' UTC')
  return `${JSON.stringify({ timestamp: time, pid: 4711, session_id: '6926a1.1267', line_num: number, message: `number ${number} of the log ${more}` })}\n`
}

export class FollowedLog implements AsyncDisposable {
  readonly tree: FileTree
  readonly folder: string
  readonly record: string
  readonly batches: Batch[] = []
  #follower: LogFollower
  readonly #repeat: number
  #now = 0

  private constructor(tree: FileTree, repeat: number) {
    this.tree = tree
    this.#repeat = repeat
    this.folder = join(tree.root, 'log')
    this.record = join(tree.root, 'log-positions.json')
    this.#follower = this.#start()
  }

  /** A follower that was there before anything of what a test writes. */
  static async start(files: Readonly<Record<string, string>> = {}, repeat = 0): Promise<FollowedLog> {
    const log = new FollowedLog(await fileTree({ 'log/postgres.log': '' }), repeat)
    await log.write(files)
    await log.look()
    return log
  }

  get figures(): FollowerFigures {
    return this.#follower.figures
  }

  /** The lines that were handed out; of those that were cut how they begin. */
  get texts(): readonly string[] {
    return this.batches.flatMap(({ lines }) => lines).map((line) => (typeof line === 'string' ? line : line.head))
  }

  /** Their numbers. */
  get numbers(): readonly number[] {
    return this.texts.map((text) => Number(/number (\d+) /.exec(text)?.[1]))
  }

  async write(files: Readonly<Record<string, string>>): Promise<void> {
    await this.tree.add(Object.fromEntries(Object.entries(files).map(([name, text]) => [`log/${name}`, text])))
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  async look(): Promise<void> {
    const never = new AbortController().signal
    do this.#now += 20_000
    while ((await this.#follower.look((batch) => void this.batches.push(batch), never)) > 0)
  }

  /** A look whose lines are not taken. */
  async refuse(): Promise<void> {
    await this.#follower.look(() => {
      throw new Error('not now')
    }, new AbortController().signal)
  }

  /** Ends the follower and starts another one; in between something happens. */
  async restart(meanwhile: () => Promise<void> = async () => undefined): Promise<void> {
    await this.#follower.close()
    await meanwhile()
    this.#follower = this.#start()
  }

  /** The same without an end in good order: the record stays as the last look left it. */
  async kill(): Promise<void> {
    const record = await this.recorded()
    await this.restart(async () => await writeFile(this.record, record))
  }

  async recorded(): Promise<string> {
    return await readFile(this.record, 'utf8')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#follower.close()
    await this.tree[Symbol.asyncDispose]()
  }

  #start(): LogFollower {
    return new LogFollower({ folder: this.folder, record: this.record, now: () => this.#now, repeat: this.#repeat })
  }
}

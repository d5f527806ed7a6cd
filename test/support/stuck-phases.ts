// Ways to stop a drain in each of its phases by something real, until it is lifted. Nothing here waits for time to pass.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import type { Client } from 'pg'
import type { DrainView } from '../../agent/drain/view.ts'
import type { PhaseName } from '../../agent/drain/machine.ts'
import { requestHold, releaseHold } from '../../agent/hold/hold-ledger.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import { reservePort } from '../../deploy/local/free-ports.ts'
import type { LocalCluster } from '../../deploy/local/local-cluster.ts'
import type { LocalNode } from '../../deploy/local/local-node.ts'
import { sendSignal } from '../../deploy/local/process-table.ts'
import { startCluster } from '../../deploy/local/start-cluster.ts'
import { Acknowledged } from './aftermath.ts'
import { authority } from './certificates.ts'
import { beginDrain, cancelDrain, drainView, unhurried } from './draining.ts'
import { freezeStandbyOf } from './frozen-standby.ts'
import { joined, patience } from './joining.ts'
import { ledgerOf } from './pool-holds.ts'

/** Lets the drain go on; of no consequence where what stopped it is gone already. */
export type Lift = () => Promise<void>

const lifted: Lift = async () => await Promise.resolve()

/** A cluster whose first worker can be stopped in each phase. */
export class StuckCluster implements AsyncDisposable {
  readonly cluster: LocalCluster
  readonly worker: LocalNode
  readonly api: SilentApi
  /** What clients were told is written, by this class's users. */
  readonly rows: Acknowledged
  #lift: Lift = lifted
  #told = false

  private constructor(cluster: LocalCluster, api: SilentApi, rows: Acknowledged) {
    this.cluster = cluster
    this.worker = cluster.node('worker-1')
    this.api = api
    this.rows = rows
  }

  /** Of a coordinator and one worker that has joined; `env` is told to every sidecar beside what holds them up. */
  static async start(env: Readonly<Record<string, string>> = {}): Promise<StuckCluster> {
    const api = await SilentApi.make()
    const cluster = await startCluster({
      workers: 1,
      env: { ...unhurried, CITUS_SIDECAR_LOCK_TIMEOUT: '1m', ...env },
      nodeEnv: { 'worker-1': api.env },
      postgresSettings: { archive_mode: 'on', archive_command: `while test -e ${gate}; do sleep 0.05; done` },
    })
    await joined(cluster.node('worker-1'))
    return new StuckCluster(cluster, api, await Acknowledged.make(cluster))
  }

  /** Begins a drain of the worker, whose sidecar is told what it needs for that, and returns once the phase has begun. */
  async stop({ phase, env, obstruct }: StuckPhase): Promise<DrainView> {
    const { worker } = this
    if (env !== undefined) {
      await worker.sidecar.stop()
      worker.sidecar.start(env)
      this.#told = true
    }
    await joined(worker)
    this.#lift = await obstruct(this)
    await beginDrain(worker)
    return await eventually(
      `phase ${phase} has begun`,
      async () => {
        const view = await drainView(worker)
        return view?.phases.some(({ name }) => name === phase) === true ? view : undefined
      },
      { deadline: patience },
    )
  }

  /** Lets the drain go on. */
  async lift(): Promise<void> {
    const lift = this.#lift
    this.#lift = lifted
    await lift()
  }

  /** Everything as it was, whatever became of the test. */
  async restore(): Promise<void> {
    const { postgres, sidecar } = this.worker
    if (postgres.pid === undefined) await postgres.start()
    await this.lift()
    if (sidecar.pid === undefined) sidecar.start()
    await sidecar.answers('/livez', patience)
    await eventually('the drain is over', async () => await cancelDrain(this.worker).then(() => true))
    if (this.#told) await sidecar.restart()
    this.#told = false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster.down()
    await this.api[Symbol.asyncDispose]()
  }
}

/** While this file lies in the data directory nothing is archived. */
const gate = 'do-not-archive'

/** A Kubernetes API that accepts connections and says nothing while it is up; down it refuses them. */
class SilentApi implements AsyncDisposable {
  readonly env: Readonly<Record<string, string>>
  readonly #port: Awaited<ReturnType<typeof reservePort>>
  readonly #dir: string
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined

  private constructor(port: Awaited<ReturnType<typeof reservePort>>, dir: string) {
    this.#port = port
    this.#dir = dir
    this.env = {
      KUBERNETES_SERVICE_HOST: '127.0.0.1',
      KUBERNETES_SERVICE_PORT: String(port.port),
      CITUS_SIDECAR_SERVICE_ACCOUNT_DIR: dir,
    }
  }

  static async make(): Promise<SilentApi> {
    const dir = await mkdtemp(join(tmpdir(), 'service-account-'))
    const files = { token: 'token', namespace: 'default', 'ca.crt': authority }
    for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text)
    return new SilentApi(await reservePort(), dir)
  }

  async up(): Promise<void> {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
    })
    await new Promise<void>((resolve) => this.#server?.listen(this.#port.port, '127.0.0.1', resolve))
  }

  down(): void {
    this.#server?.close()
    for (const socket of this.#sockets) socket.destroy()
    this.#sockets.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.down()
    this.#port.release()
    await rm(this.#dir, { recursive: true, force: true })
  }
}

/** A session that passes for one of the sidecar: phase drain leaves it alone, as it does no other, new ones least of all. */
async function asSidecar(worker: LocalNode): Promise<Client> {
  const session = await worker.postgres.connect({ user: 'citus_sidecar' })
  await session.query(`set application_name = 'citus-sidecar/test'`)
  return session
}

/** One way to stop a drain: something that its phase needs, until it is lifted. */
export interface StuckPhase {
  readonly phase: PhaseName
  readonly because: string
  /** What the worker's sidecar must be told at its start. */
  readonly env?: Readonly<Record<string, string>>
  readonly obstruct: (where: StuckCluster) => Promise<Lift>
}

/** Every phase, and for some of them more than one way to be stopped there. */
export const stuckPhases: readonly StuckPhase[] = [
  {
    phase: 'cause',
    because: 'the Kubernetes API does not answer',
    obstruct: async ({ api }) => {
      await api.up()
      return async () => await Promise.resolve(api.down())
    },
  },
  {
    phase: 'prepare',
    because: 'the checkpointer stands still',
    obstruct: async ({ worker: { postgres } }) => {
      const [row] = await postgres.query<{ pid: number }>(
        `select pid from pg_stat_activity where backend_type = 'checkpointer'`,
      )
      sendSignal(row?.pid ?? 0, 'SIGSTOP')
      return async () => await Promise.resolve(postgres.thaw())
    },
  },
  {
    phase: 'prepare',
    because: 'archive_command does not end',
    obstruct: async ({ worker }) => {
      const file = join(worker.dataDir, gate)
      await writeFile(file, '')
      return async () => await rm(file, { force: true })
    },
  },
  {
    phase: 'hold',
    because: 'another member holds the traffic',
    obstruct: async ({ cluster }) => {
      const id = randomUUID()
      await requestHold(ledgerOf(cluster), { id, member: 'coordinator', kinds: ['pool'], seconds: 300 })
      return async () => await releaseHold(ledgerOf(cluster), id, 'lifted')
    },
  },
  {
    phase: 'hold',
    because: 'nobody answers',
    obstruct: async ({ cluster: { coordinator } }) => {
      coordinator.sidecar.freeze()
      return async () => await Promise.resolve(coordinator.sidecar.thaw())
    },
  },
  {
    phase: 'unready',
    because: 'load balancers are given a minute',
    env: { CITUS_SIDECAR_UNREADY_WAIT: '1m' },
    obstruct: async () => await Promise.resolve(lifted),
  },
  {
    phase: 'drain',
    because: 'a client has a transaction open',
    obstruct: async ({ worker }) => {
      const client = await worker.postgres.connect()
      await client.query(`set application_name = 'stubborn'; begin; select txid_current()`)
      return async () => {
        await client.query('commit').catch(() => undefined)
        await client.end().catch(() => undefined)
      }
    },
  },
  {
    phase: 'settle',
    because: 'a two-phase commit stays prepared',
    obstruct: async ({ worker }) => {
      // Of a group that there is not: nobody finishes it.
      const gid = 'citus_99_1_1_1'
      const session = await asSidecar(worker)
      await session.query(`begin; select txid_current(); prepare transaction '${gid}'`)
      return async () => {
        // Where PostgreSQL was killed meanwhile, so was the session.
        await session
          .query(`rollback prepared '${gid}'`)
          .catch(async () => await worker.postgres.query(`rollback prepared '${gid}'`))
        await session.end().catch(() => undefined)
      }
    },
  },
  {
    phase: 'flush',
    because: 'the synchronous standby stands still',
    obstruct: async ({ worker }) => await freezeStandbyOf(worker),
  },
  {
    phase: 'keep',
    because: 'the row of the last stop is locked',
    obstruct: async ({ worker }) => {
      const session = await asSidecar(worker)
      await session.query('begin')
      await session.query('update citus_sidecar.last_stop set state = state')
      return async () => await session.end().catch(() => undefined)
    },
  },
]

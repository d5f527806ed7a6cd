// The OpenTelemetry Collector of this machine with the configurations of this project.
import { spawn } from 'node:child_process'
import { parse } from 'yaml'
import { eventually } from '../../deploy/local/eventually.ts'
import { findProgram } from '../../deploy/local/find-program.ts'
import { reservePort } from '../../deploy/local/free-ports.ts'
import { endWithProcess } from '../../deploy/local/leftovers.ts'
import { runProgram } from '../../deploy/local/run-program.ts'
import { root } from './documents.ts'

const program = ['otelcol', 'otelcol-contrib', 'otelcol-core'].map(findProgram).find((found) => found !== undefined)
const traces = 'deploy/observability/traces'

interface Components {
  readonly exporters: readonly string[]
  readonly extensions: readonly string[]
}

/** Types of components by what `otelcol components` lists. */
async function componentsOf(path: string): Promise<Components> {
  const { code, stdout, stderr } = await runProgram(path, ['components'], { env: {} })
  if (code !== 0) throw new Error(`${path} components: ${stderr}`)
  const found = parse(stdout) as Readonly<Record<keyof Components, readonly { readonly name: string }[] | null>>
  const names = (part: keyof Components): readonly string[] => (found[part] ?? []).map(({ name }) => name)
  return { exporters: names('exporters'), extensions: names('extensions') }
}

const known = program === undefined ? undefined : await componentsOf(program)

function whyNot(): string | false {
  if (known === undefined) return 'the program otelcol, otelcol-contrib or otelcol-core is not installed'
  return known.exporters.includes('otlp_grpc') ? false : 'the Collector has no otlp_grpc, 0.144.0 or newer is wanted'
}

/** Why there is none that knows the files; false where there is. */
export const withoutCollector: string | false = whyNot()

/** Whether it has the extension that answers probes: Collectors without contributed components have none. */
export const answersProbes = known?.extensions.includes('health_check') ?? false

/** A configuration as text, which the Collector merges into those before it; JSON is YAML. */
function inline(settings: object): string {
  return `--config=yaml:${JSON.stringify(settings)}`
}

/** The Collector's file, less the extension where this program has none. */
const collectorFile: readonly string[] = [
  `--config=${root}${traces}/otel-collector.yaml`,
  ...(answersProbes ? [] : [inline({ extensions: null, service: { extensions: [] } })]),
]

/** Jaeger's file, with what only Jaeger has left out: its storage, its page, and the way from one to the other. */
const jaegerFile: readonly string[] = [
  `--config=${root}${traces}/jaeger.yaml`,
  inline({ extensions: null, exporters: null }),
  inline({ exporters: { debug: {} }, service: { extensions: [], pipelines: { traces: { exporters: ['debug'] } } } }),
]

/** Arguments that name the whole configuration. */
export const configurations = { 'otel-collector': collectorFile, jaeger: jaegerFile } as const

/** What the Collector has against a configuration; empty where it takes it. */
export async function complaintsOf(...configuration: readonly string[]): Promise<string> {
  const { code, stderr } = await runProgram(program ?? '', ['validate', ...configuration], { env: {} })
  return code === 0 ? '' : stderr
}

/** One that runs with the project's file, but on ports of its own and to another place than Jaeger. */
export class OtelCollector implements AsyncDisposable {
  /** Where it takes OTLP by HTTP, by gRPC, and where it answers probes. */
  readonly http: string
  readonly grpc: string
  readonly health: string
  readonly #end: () => Promise<void>

  private constructor(ports: readonly number[], end: () => Promise<void>) {
    const [http, grpc, health] = ports.map((port) => `http://127.0.0.1:${port}`)
    this.http = http ?? ''
    this.grpc = grpc ?? ''
    this.health = health ?? ''
    this.#end = end
  }

  /** Starts one that passes spans on to this URL of a receiver that speaks gRPC. */
  static async start(receiver: string): Promise<OtelCollector> {
    const reserved = await Promise.all([reservePort(), reservePort(), reservePort()])
    const ports = reserved.map(({ port }) => port)
    const [http, grpc, health] = ports.map((port) => ({ endpoint: `127.0.0.1:${port}` }))
    const own = {
      receivers: { otlp: { protocols: { http, grpc } } },
      exporters: { 'otlp_grpc/jaeger': { endpoint: new URL(receiver).host } },
      ...(answersProbes && { extensions: { health_check: health } }),
      // Its own metrics have one port that every Collector of the machine takes.
      service: { telemetry: { metrics: { level: 'none' } } },
    }
    const child = spawn(program ?? '', [...collectorFile, inline(own)], {
      env: {},
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
    const over = new AbortController()
    const ended = new Promise<void>((resolve) =>
      child.once('close', () => {
        over.abort(new Error(`the Collector has ended: ${said}`))
        resolve()
      }),
    )
    const forget = endWithProcess(() => child.kill('SIGKILL'))
    const collector = new OtelCollector(ports, async () => {
      child.kill()
      await ended
      forget()
      for (const port of reserved) port.release()
    })
    try {
      // It has begun to receive when it says that spans are to be sent by POST.
      await eventually(
        'the Collector receives',
        async () => (await fetch(`${collector.http}/v1/traces`)).status === 405,
        {
          context: () => said,
          signal: over.signal,
        },
      )
    } catch (error) {
      await collector.#end()
      throw error
    }
    return collector
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end()
  }
}

// The Prometheus of this machine with the rules of this project, scraping sidecars of a test.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { eventually } from '../../deploy/local/eventually.ts'
import { findProgram } from '../../deploy/local/find-program.ts'
import { reservePort } from '../../deploy/local/free-ports.ts'
import { endWithProcess } from '../../deploy/local/leftovers.ts'
import { ruleFiles } from './alert-rules.ts'
import { page } from './documents.ts'
import { recordingFiles } from './recording-rules.ts'

const program = findProgram('prometheus')

/** Why there is none; false where there is. */
export const withoutPrometheus: string | false =
  program === undefined ? 'the program prometheus is not installed' : false

/** A target by the name that it has as `instance`. */
export interface ScrapedSidecar {
  readonly name: string
  readonly url: string
}

export interface RuleState {
  readonly name: string
  readonly type: 'alerting' | 'recording'
  readonly health: string
  readonly lastError?: string
  readonly lastEvaluation: string
}

export interface ActiveAlert {
  readonly labels: Readonly<Record<string, string>>
  readonly state: 'pending' | 'firing'
}

export interface SeriesExemplars {
  readonly seriesLabels: Readonly<Record<string, string>>
  readonly exemplars: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: string }[]
}

interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [time: number, value: string]
}

/** Text of the rules where nothing is waited for; all else is as it is delivered. */
function impatient(path: string): string {
  return page(path).replaceAll(/^( +for: ).+$/gm, '$11s')
}

/** One that runs and has loaded every rule. */
export class PrometheusServer implements AsyncDisposable {
  readonly #end: () => Promise<void>
  readonly #url: string

  private constructor(url: string, end: () => Promise<void>) {
    this.#url = url
    this.#end = end
  }

  /** Starts one that scrapes these every second. */
  static async start(sidecars: readonly ScrapedSidecar[]): Promise<PrometheusServer> {
    const folder = mkdtempSync(join(tmpdir(), 'prometheus-'))
    const reserved = await reservePort()
    const remove = (): void => {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 })
      reserved.release()
    }
    const config = await writeConfig(folder, sidecars)
    const args = [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      '--log.level=warn',
      '--enable-feature=exemplar-storage',
    ]
    const child = spawn(program ?? '', [...args, `--web.listen-address=127.0.0.1:${reserved.port}`], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
    const forget = endWithProcess(() => {
      child.kill('SIGKILL')
      remove()
    })
    const server = new PrometheusServer(`http://127.0.0.1:${reserved.port}`, async () => {
      child.kill()
      await ended
      forget()
      remove()
    })
    try {
      await eventually('Prometheus is ready', async () => (await fetch(`${server.#url}/-/ready`)).ok, {
        context: () => said,
      })
    } catch (error) {
      await server.#end()
      throw error
    }
    return server
  }

  /** Health of each target by its name. */
  async targets(): Promise<ReadonlyMap<string, string>> {
    const { activeTargets } = await this.#ask<{
      activeTargets: readonly { labels: { instance: string }; health: string; lastError: string }[]
    }>('targets?state=active')
    return new Map(
      activeTargets.map(({ labels, health, lastError }) => [labels.instance, `${health} ${lastError}`.trim()]),
    )
  }

  async rules(): Promise<readonly RuleState[]> {
    const { groups } = await this.#ask<{ groups: readonly { rules: readonly RuleState[] }[] }>('rules')
    return groups.flatMap(({ rules }) => rules)
  }

  async alerts(): Promise<readonly ActiveAlert[]> {
    return (await this.#ask<{ alerts: readonly ActiveAlert[] }>('alerts')).alerts
  }

  /** Value of an expression by instance. */
  async query(expression: string): Promise<ReadonlyMap<string, number>> {
    const { result } = await this.#ask<{ result: readonly Sample[] }>(`query?query=${encodeURIComponent(expression)}`)
    return new Map(result.map(({ metric, value: [, value] }) => [metric['instance'] ?? '', Number(value)]))
  }

  /** Exemplars of a metric that came in the last hour. */
  async exemplars(metric: string): Promise<readonly SeriesExemplars[]> {
    const now = Date.now() / 1_000
    return await this.#ask(`query_exemplars?query=${encodeURIComponent(metric)}&start=${now - 3_600}&end=${now + 60}`)
  }

  /** Types that targets gave a metric. */
  async types(metric: string): Promise<ReadonlySet<string>> {
    const found = await this.#ask<readonly { type: string }[]>(`targets/metadata?metric=${metric}`)
    return new Set(found.map(({ type }) => type))
  }

  async #ask<T>(path: string): Promise<T> {
    const answer = (await (await fetch(`${this.#url}/api/v1/${path}`)).json()) as { data: T; error?: string }
    if (answer.error !== undefined) throw new Error(answer.error)
    return answer.data
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end()
  }
}

/** The folder's prometheus.yml; JSON is YAML. */
async function writeConfig(folder: string, sidecars: readonly ScrapedSidecar[]): Promise<string> {
  for (const path of [...ruleFiles, ...recordingFiles]) {
    const kind = path.includes('/alerts/') ? 'alerts' : 'rules'
    await mkdir(join(folder, kind), { recursive: true })
    await writeFile(join(folder, kind, basename(path)), impatient(path))
  }
  const config = join(folder, 'prometheus.yml')
  await writeFile(
    config,
    JSON.stringify({
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: [join(folder, 'alerts/*.yaml'), join(folder, 'rules/*.yaml')],
      scrape_configs: [
        {
          job_name: 'citus-sidecar',
          static_configs: sidecars.map(({ name, url }) => ({
            targets: [new URL(url).host],
            labels: { instance: name, namespace: 'test' },
          })),
        },
      ],
    }),
  )
  return config
}

// The rules on statements, in a real Prometheus on what a real server logs: rates, errors and times are recorded, and who fails is told of.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sqlstate } from '../../agent/errors.ts'
import { eventually } from '../../deploy/local/eventually.ts'
import { patience } from '../support/joining.ts'
import { application, startLogged } from '../support/logged-cluster.ts'
import { PrometheusServer, withoutPrometheus } from '../support/prometheus-server.ts'

test(
  'Prometheus records what a server logs of statements, and tells that many fail',
  { skip: withoutPrometheus },
  async () => {
    await using ends = new AsyncDisposableStack()
    const cluster = ends.use(await startLogged({ workers: 0 }))
    const { coordinator } = cluster
    const prometheus = ends.use(await PrometheusServer.start(cluster.nodes))
    const client = ends.adopt(await application(coordinator), async (one) => await one.end())
    const recorded = async (name: string, kind = '{kind="client"}'): Promise<number> =>
      (await prometheus.query(`${name}${kind}`)).get(coordinator.name) ?? 0

    await eventually(
      'all is recorded, and the alert fires',
      async () => {
        await client.query('select 1')
        await assert.rejects(client.query('select 1 / 0'), (error) => sqlstate(error) === '22012')
        const ratio = await recorded('instance_kind:citus_sidecar_logged_statement_errors:ratio_rate5m')
        assert.ok(ratio > 0.4 && ratio < 0.6, `${ratio} of what is logged failed`)
        assert.ok((await recorded('instance_kind:citus_sidecar_log_reader_statements:rate5m')) > 0.1)
        assert.ok((await recorded('instance_kind:citus_sidecar_logged_statement_duration_seconds:p95_rate5m')) > 0)
        assert.ok((await recorded('instance:citus_sidecar_logged_statement_errors:per_transaction_rate5m', '')) > 0.05)
        const alerts = await prometheus.alerts()
        const [failing] = alerts.filter(({ labels }) => labels['alertname'] === 'CitusStatementsFail')
        assert.equal(failing?.state, 'firing')
        return true
      },
      { deadline: patience, interval: 100 },
    )
    const about = (await prometheus.alerts()).filter(({ labels }) =>
      /^Citus(?:Log|Span|Link|Clock|Statement)/.test(labels['alertname'] ?? ''),
    )
    assert.deepEqual(
      about.map(({ labels }) => `${labels['alertname']} ${labels['instance']}`),
      [`CitusStatementsFail ${coordinator.name}`],
    )
  },
)

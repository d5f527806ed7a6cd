// The settings that the manifests give to sidecars, PostgreSQL and PgBouncer are accepted, and agree with each other and their pods; each check is
// shown to fail.
import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { installPrestop } from '../../../agent/drain/prestop-script.ts'
import { testCheck } from '../../support/kubernetes/check.ts'
import { poolerDisagreements } from '../../support/kubernetes/pooler.ts'
import { postgresDisagreements } from '../../support/kubernetes/postgres.ts'
import { disagreements, refusedSettings } from '../../support/kubernetes/settings.ts'

const worker = 'StatefulSet/citus-worker'
const pooler = 'Deployment/citus-pooler'
const pod = 'spec.template.spec'
const sidecar = `${pod}.initContainers.citus-sidecar`
const postgres = `${pod}.containers.postgres`
const pgbouncer = `${pod}.containers.pgbouncer`
const settings = 'ConfigMap/citus-settings'
const files = 'ConfigMap/citus-postgres'

testCheck('every sidecar would start', refusedSettings, [
  [settings, 'data.PGDATABSE', 'app', /PGDATABSE is no setting/],
  [settings, 'data.CITUS_SIDECAR_HOLDMAX', '60s', /CITUS_SIDECAR_HOLDMAX: is no setting/],
  [settings, 'data.CITUS_SIDECAR_GRACE_PERIOD', '300', /CITUS_SIDECAR_GRACE_PERIOD: "300" is not accepted/],
  [
    worker,
    `${pod}.containers.bootstrap.volumeMounts.citus-superuser-password.mountPath`,
    '/etc/super',
    /bootstrap: CITUS_SIDECAR_BOOTSTRAP_PASSWORD_FILE/,
  ],
  [worker, 'spec.template.metadata.labels.citus-sidecar/role', undefined, /CITUS_SIDECAR_ROLE: is not set/],
  [
    worker,
    'spec.template.metadata.annotations.citus-sidecar/coordinator',
    undefined,
    /CITUS_SIDECAR_COORDINATOR: is not set/,
  ],
  [
    pooler,
    `${pod}.containers.citus-sidecar.env.CITUS_SIDECAR_COORDINATOR`,
    undefined,
    /citus-pooler: citus-sidecar: CITUS_SIDECAR_COORDINATOR/,
  ],
])

testCheck('settings and pod agree', disagreements, [
  [worker, 'spec.template.metadata.annotations.citus-sidecar/service', 'citus', /under another name/],
  [worker, `${postgres}.ports.postgres.containerPort`, 5433, /port that PostgreSQL has not/],
  [worker, 'spec.template.metadata.annotations.citus-sidecar/coordinator', 'somewhere', /at no Service/],
  [worker, `${pod}.terminationGracePeriodSeconds`, 120, /has 120 s to stop, and its sidecar believes 300 s/],
  [worker, `${pod}.terminationGracePeriodSeconds`, 30, /less time to stop than a drain/],
  [settings, 'data.CITUS_SIDECAR_HOLD_MAX', '10m', /less time to stop than clients/],
  [worker, `${postgres}.lifecycle.preStop.exec.command.0`, '/run/citus-sidecar/pre-stop', /a hook that is not/],
  [settings, 'data.CITUS_SIDECAR_HTTP_PORT', '9188', /another port than the program/],
  [settings, 'data.CITUS_SIDECAR_RUN_DIR', '/run/sidecar', /\/run\/sidecar of citus-sidecar is no volume/],
  [
    worker,
    `${postgres}.volumeMounts.citus-sidecar.name`,
    'tmp',
    /\/run\/citus-sidecar of postgres is tmp, not citus-sidecar/,
  ],
  [worker, `${sidecar}.volumeMounts.socket.name`, 'citus-sidecar', /\/var\/run\/postgresql of postgres is socket/],
  [worker, `${sidecar}.env.CITUS_SIDECAR_DATA_DIR.value`, '/data', /looks elsewhere for the data directory/],
  [worker, `${sidecar}.volumeMounts.pgdata.readOnly`, undefined, /could write into the data directory/],
  [worker, `${sidecar}.volumeMounts.pgdata.name`, 'tmp', /\/pgdata of postgres is pgdata/],
])

testCheck('PostgreSQL is configured for its pod', postgresDisagreements, [
  [files, 'data.overlay~conf', "shared_preload_libraries = 'pg_stat_statements,citus'", /preloaded first/],
  [files, 'data.overlay~conf', 'max_connections = 500', /two-phase/],
  [files, 'data.overlay~conf', "wal_level='replica'\nhuge_pages = try", /huge pages/],
  [files, 'data.overlay~conf', "wal_level='replica'", /cannot be moved/],
  [files, 'data.pg_hba~conf', '# for all\nlocal all all trust\n', /without a password/],
  [worker, `${postgres}.args.2`, 'config_file=/etc/postgresql.conf', /without its configuration/],
  [worker, `${postgres}.volumeMounts.postgres-config.mountPath`, '/etc/pg', /pg_hba\.conf from elsewhere/],
  [worker, `${postgres}.volumeMounts.socket.mountPath`, '/socket', /socket elsewhere/],
  [worker, `${postgres}.env.PGDATA.value`, '/var/lib/postgresql/data', /in no volume/],
  [worker, `${postgres}.command.1`, '/start.sh', /not prepared before/],
  [worker, `${postgres}.env.PGDATA.value`, '/pgdata', /top of a volume/],
  [worker, `${postgres}.env.PGPASSFILE`, undefined, /no password file/],
  [worker, `${postgres}.volumeMounts.passfile.mountPath`, '/run/other', /no password file/],
])

testCheck('PgBouncer is configured for its pod', poolerDisagreements, [
  [settings, 'data.PGDATABASE', 'other', /no database other/],
  [pooler, `${pod}.containers.citus-sidecar.env.CITUS_SIDECAR_COORDINATOR.value`, 'citus', /leads elsewhere/],
  [settings, 'data.CITUS_SIDECAR_HOLD_MAX', '120s', /gives clients up/],
  [settings, 'data.CITUS_SIDECAR_PGBOUNCER_PORT', '6433', /listens elsewhere/],
  [pooler, `${pgbouncer}.ports.pgbouncer.containerPort`, 6433, /does not say/],
  [settings, 'data.CITUS_SIDECAR_PGBOUNCER_HOST', '/run/citus-sidecar', /socket elsewhere/],
  [pooler, `${pgbouncer}.securityContext.runAsUser`, 70, /asks a password/],
  [pooler, `${pgbouncer}.command.1`, '/etc/pgbouncer.ini', /without its configuration/],
  [pooler, `${pod}.terminationGracePeriodSeconds`, 30, /before its hook has ended/],
  [pooler, `${pgbouncer}.volumeMounts.socket.name`, 'userlist', /of pgbouncer is userlist/],
  [pooler, `${pgbouncer}.volumeMounts.userlist.name`, 'socket', /\/run\/citus of pgbouncer is socket/],
])

test('the hook is the file that the program installs, and can be run', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'prestop-'))
  try {
    await installPrestop(folder)
    assert.deepEqual(await readdir(folder), ['prestop'])
    assert.equal((await stat(join(folder, 'prestop'))).mode & 0o777, 0o755)
  } finally {
    await rm(folder, { recursive: true })
  }
})

// For every setting: values it accepts, with what they become, and values it refuses. The type makes a new setting without them an error.
import type { SettingName } from '../../agent/settings.ts'
import { numbers, booleans, duration, file, port, role, address } from './setting-examples.ts'
import type { Example } from './setting-examples.ts'
import { traceExamples } from './settings-traces.ts'

/** Examples of every setting; `folder` has the files secret, empty and loop (a link to itself). */
export function examples(folder: string): Readonly<Record<SettingName, Example>> {
  return {
    role: {
      good: ['coordinator', 'worker', 'standalone', 'pooler'].map((word) => [word, word] as const),
      wrong: ['Worker', 'x', 'pgbouncer'],
    },
    node: {
      good: [
        ['a', 'a'],
        ['worker-1.b_c', 'worker-1.b_c'],
      ],
      wrong: ['-a', '.a', 'a b', 'ä', 'x'.repeat(64)],
    },
    address: {
      good: [
        ['w-1', address('w-1')],
        ['w-1.ns.svc:6432', address('w-1.ns.svc', 6432)],
        ['[fe80::1]:5', address('fe80::1', 5)],
      ],
      wrong: ['a b', 'a:', 'a:0', 'a:65536', 'a:b', ':5432', 'a,b', '-a', 'a.', '::1', 'http://a'],
    },
    allowIpAddress: booleans,
    coordinator: {
      good: [
        ['c', [address('c')]],
        ['c-0:5432, c-1', [address('c-0', 5432), address('c-1')]],
        ['a,b,c,d,e,f,g,h', 'a,b,c,d,e,f,g,h'.split(',').map((host) => address(host))],
      ],
      wrong: ['a,', ',a', 'a;b', 'a,b:0', 'a,b,c,d,e,f,g,h,i', 'a b'],
    },
    group: {
      good: [
        ['1', 1],
        ['2147483647', 2_147_483_647],
      ],
      wrong: [...numbers, '2147483648'],
    },
    clusterName: {
      good: [
        ['default', 'default'],
        ['a_B-1', 'a_B-1'],
      ],
      wrong: ['a b', 'a.b', 'x'.repeat(64)],
    },
    register: booleans,
    registerStandby: booleans,
    followPromotion: booleans,
    fencingFile: { good: [['/run/fencing', '/run/fencing']], wrong: ['fencing', './fencing', '/'] },
    pgbouncerHost: {
      good: [
        ['/run/pgbouncer', '/run/pgbouncer'],
        ['localhost', 'localhost'],
      ],
      wrong: ['a b', 'a,b'],
    },
    pgbouncerPort: { good: [['6432', 6_432]], wrong: [...numbers, '0', '65536'] },
    pgbouncerPasswordFile: file(folder),
    pgbouncerAddress: {
      good: [['pooler.ns:6000', address('pooler.ns', 6_000)]],
      wrong: ['/run/pgbouncer', 'a b', 'a:0', 'a:65536', 'a,b', ':6432', '::1'],
    },
    pgbouncerUser: { good: [['admin', 'admin']], wrong: ['x'.repeat(64), 'a\0b'] },
    poolerDatabases: {
      good: [
        ['app', ['app']],
        ['a, b c', ['a', 'b c']],
      ],
      wrong: ['a,', ',a', ',', 'x'.repeat(64)],
    },
    pauseTry: duration(['100ms', 100], ['10s', 10_000], '99ms', '11s'),
    pauseBreak: duration(['0s', 0], ['60s', 60_000], '-1ms', '61s'),
    registrationInterval: duration(['1s', 1_000], ['10m', 600_000], '999ms', '601s'),
    registrationTimeout: duration(['1s', 1_000], ['2h', 7_200_000], '999ms', '121m'),
    registrationLockTimeout: duration(['100ms', 100], ['1m', 60_000], '99ms', '61s'),
    registrationMaxAge: duration(['1s', 1_000], ['365d', 31_536_000_000], '999ms', '366d'),
    heartbeatInterval: duration(['1s', 1_000], ['10m', 600_000], '999ms', '601s'),
    frozenAfter: duration(['3001ms', 3_001], ['10m', 600_000], '1999ms', '601s'),
    connectTimeout: duration(['100ms', 100], ['4999ms', 4_999], '99ms', '61s'),
    maxSeries: {
      good: [
        ['10', 10],
        ['100000', 100_000],
      ],
      wrong: ['9', '100001', 'all'],
    },
    pgMetrics: booleans,
    databases: {
      good: [
        ['*', ['*']],
        ['a, b c', ['a', 'b c']],
      ],
      wrong: ['a,', ',a', 'x'.repeat(64)],
    },
    statementText: booleans,
    tenants: booleans,
    queries: {
      good: [
        ['/etc/queries', ['/etc/queries']],
        ['/etc/a.yaml, /etc/b.yml', ['/etc/a.yaml', '/etc/b.yml']],
      ],
      wrong: ['queries.yaml', '/a,', ',/a', '/', '/a,./b', Array.from({ length: 21 }, () => '/a').join()],
    },
    statementTimeout: duration(['100ms', 100], ['10m', 600_000], '99ms', '601s'),
    lockTimeout: duration(['10ms', 10], ['1m', 60_000], '9ms', '61s'),
    peerInterval: duration(['1s', 1_000], ['1h', 3_600_000], '999ms', '61m'),
    standbyMaxLag: {
      good: [
        ['0', 0],
        ['1024', 1_024],
        ['1kB', 1_024],
        ['64MB', 67_108_864],
        ['2TB', 2_199_023_255_552],
      ],
      wrong: ['-1', '64mb', '64KB', '1.5GB', '64 MB', 'MB', '9999999TB', 'much'],
    },
    standbyGrace: duration(['0s', 0], ['1h', 3_600_000], '-0s', '61m'),
    maxLatency: duration(['1ms', 1], ['60s', 60_000], '0ms', '61s'),
    httpAddress: {
      good: [
        ['0.0.0.0', '0.0.0.0'],
        ['127.0.0.1', '127.0.0.1'],
        ['::', '::'],
        ['::1', '::1'],
      ],
      wrong: ['localhost', 'dead', '1.2.3', '256.0.0.1', '[::]', '0.0.0.0:9187', '...'],
    },
    httpPort: port,
    runDir: { good: [['/run/x', '/run/x']], wrong: ['run', './run', `/${'x'.repeat(81)}`] },
    logLevel: {
      good: [
        ['debug', 'debug'],
        ['fatal', 'fatal'],
      ],
      wrong: ['verbose', 'INFO', 'silent'],
    },
    passwordFile: file(folder),
    bootstrapUser: role,
    bootstrapPasswordFile: file(folder),
    pgHost: {
      good: [
        ['/tmp', '/tmp'],
        ['localhost', 'localhost'],
      ],
      wrong: ['a,b', 'a b'],
    },
    pgPort: port,
    pgUser: role,
    pgDatabase: role,
    pgPassfile: file(folder),
    pgSslMode: {
      good: [
        ['disable', 'disable'],
        ['require', 'require'],
      ],
      wrong: ['allow', 'on', 'verify'],
    },
    pgSslRootCert: file(folder),
    pgSslCert: file(folder),
    pgSslKey: file(folder),
    hookPort: { ...port, good: [['9188', 9188]] },
    hookTokenFile: file(folder),
    gracePeriod: duration(['5s', 5_000], ['1d', 86_400_000], '4999ms', '25h'),
    stopReserve: duration(['1s', 1_000], ['1h', 3_600_000], '999ms', '61m'),
    hold: {
      good: ['auto', 'pool', 'node', 'none'].map((word) => [word, word] as const),
      wrong: ['Auto', 'off', 'pool,node'],
    },
    holdForce: booleans,
    holdOnNodeDrain: booleans,
    holdMax: duration(['1s', 1_000], ['10m', 600_000], '999ms', '601s'),
    poolerForgottenAfter: duration(['5s', 5_000], ['1h', 3_600_000], '4999ms', '61m'),
    unreadyWait: duration(['0ms', 0], ['1m', 60_000], '-1ms', '61s'),
    dataDir: { good: [['/var/lib/postgresql/data', '/var/lib/postgresql/data']], wrong: ['data', './data', '/'] },
    logDir: { good: [['/var/log/postgresql', '/var/log/postgresql']], wrong: ['log', './log', '/'] },
    certificates: {
      good: [
        ['/tls/tls.crt', ['/tls/tls.crt']],
        ['/a, /b', ['/a', '/b']],
      ],
      wrong: ['a', '/a,', ',/a', '/', '/a,b', Array.from({ length: 21 }, () => '/a').join(',')],
    },
    pgbackrest: { good: [['/usr/bin/pgbackrest', '/usr/bin/pgbackrest']], wrong: ['pgbackrest', './pgbackrest', '/'] },
    kubernetesHost: {
      good: [
        ['10.96.0.1', '10.96.0.1'],
        ['fd00::1', 'fd00::1'],
      ],
      wrong: ['a b', 'http://a'],
    },
    kubernetesPort: port,
    ...traceExamples,
    serviceAccountDir: { good: [['/run/token', '/run/token']], wrong: ['token', './token', '/'] },
  }
}

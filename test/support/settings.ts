// For every setting: values it accepts, with what they become, and values it refuses. The type makes a new setting without them an error.
import { join } from 'node:path'
import type { SettingName } from '../../agent/settings.ts'

export interface Example {
  readonly good: readonly (readonly [text: string, value: unknown])[]
  readonly wrong: readonly string[]
}

const seconds = ['5', 's', '-1s', '1.5s', '5 s', '5S', '1w', '9999999999999s', 'soon']
const numbers = ['-1', '1.5', '0x10', 'x', '1e3', '99999999999']
const booleans: Example = {
  good: [
    ...['true', 'on', 'yes', '1'].map((text) => [text, true] as const),
    ...['false', 'off', 'no', '0'].map((text) => [text, false] as const),
  ],
  wrong: ['maybe', 'TRUE', 'ja', '2', ' true'],
}

/** A duration setting with its bounds. */
function duration(
  least: readonly [string, number],
  most: readonly [string, number],
  below: string,
  above: string,
): Example {
  return { good: [least, most], wrong: [...seconds, below, above] }
}

function file(folder: string): Example {
  const path = join(folder, 'secret')
  return {
    good: [[path, path]],
    wrong: [join(folder, 'missing'), join(folder, 'empty'), join(folder, 'loop'), folder, './secret', 'secret'],
  }
}

const port: Example = {
  good: [
    ['1', 1],
    ['65535', 65_535],
  ],
  wrong: [...numbers, '0', '65536', 'http'],
}
const endpoint: Example = {
  good: [
    ['http://collector:4318', 'http://collector:4318'],
    ['https://c.example/otlp/v1/traces', 'https://c.example/otlp/v1/traces'],
  ],
  wrong: ['collector:4318', 'grpc://collector:4317', 'http://', 'http:// x', 'http:///x'],
}
const protocol: Example = {
  good: ['http/protobuf', 'http/json', 'grpc'].map((one) => [one, one] as const),
  wrong: ['http', 'protobuf', 'GRPC'],
}
const count: Example = { good: [['2048', 2_048]], wrong: [...numbers, '0', '65537'] }
const perMinute: Example = {
  good: [
    ['0', 0],
    ['1000000', 1_000_000],
  ],
  wrong: [...numbers, '1000001'],
}
const word: Example = { good: [['worker-0', 'worker-0']], wrong: ['a b', 'a=b', 'a,b'] }
const role: Example = {
  good: [
    ['app', 'app'],
    ['ein name', 'ein name'],
  ],
  wrong: ['x'.repeat(64), 'a\0b'],
}
const address = (host: string, number?: number): object => ({ host, port: number })

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
    statements: booleans,
    spansPerMinute: perMinute,
    ownSpansPerMinute: perMinute,
    slowStatement: duration(['0s', 0], ['1d', 86_400_000], '0', '25h'),
    traceParameter: {
      good: [
        ['app.traceparent', 'app.traceparent'],
        ['my_app.a.b$1', 'my_app.a.b$1'],
      ],
      wrong: ['traceparent', 'App.x', '.x', 'app.', 'app.1x', "app.x'y", 'app.x y'],
    },
    linkPatience: duration(['1s', 1_000], ['10m', 600_000], '999ms', '601s'),
    serverService: word,
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
    otelDisabled: booleans,
    tracesExporter: {
      good: ['otlp', 'none'].map((word) => [word, word] as const),
      wrong: ['console', 'OTLP', 'otlp,console', 'jaeger'],
    },
    otlpEndpoint: endpoint,
    otlpTracesEndpoint: endpoint,
    otlpProtocol: protocol,
    otlpTracesProtocol: protocol,
    spanQueue: count,
    spanBatch: count,
    spanDelay: { good: [['0', 0]], wrong: [...numbers, '600001'] },
    spanTimeout: { good: [['30000', 30_000]], wrong: [...numbers, '0', '600001'] },
    traceProbes: {
      good: [
        ['metrics', new Map([['metrics', 1]])],
        [
          'postgres.stop-cost=0.25, citus.nodes=1',
          new Map([
            ['postgres.stop-cost', 0.25],
            ['citus.nodes', 1],
          ]),
        ],
      ],
      wrong: [',', 'citus.nodes=', 'citus.nodes=2', 'citus.nodes=-1', 'citus.nodes=1e-9', 'Citus Nodes', 'a=b'],
    },
    podName: word,
    podNamespace: word,
    podNode: word,
    serviceAccountDir: { good: [['/run/token', '/run/token']], wrong: ['token', './token', '/'] },
  }
}

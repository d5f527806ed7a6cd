// Settings of how a node leaves: the drain and the hold of client traffic.
import { bool, duration, file, oneOf, port, text } from './setting-types.ts'
import { optional, required } from './setting.ts'

/** Rows of the settings table, keyed by their names in Config. */
export const leaveSettings = {
  gracePeriod: required(
    'CITUS_SIDECAR_GRACE_PERIOD',
    duration(5_000, 86_400_000),
    '120s',
    'terminationGracePeriodSeconds of the pod; a drain ends before it. The Kubernetes API, where it may be asked, is believed instead.',
  ),
  stopReserve: required(
    'CITUS_SIDECAR_STOP_RESERVE',
    duration(1_000, 3_600_000),
    '15s',
    'Part of the grace period that is left to PostgreSQL for stopping by itself.',
  ),
  hold: required(
    'CITUS_SIDECAR_HOLD',
    oneOf('auto', 'pool', 'node', 'none'),
    'auto',
    'Who holds client traffic while this node restarts: poolers, the other nodes (writes to a worker), both where there are any, or nobody.',
  ),
  holdOnNodeDrain: required(
    'CITUS_SIDECAR_HOLD_ON_NODE_DRAIN',
    bool(),
    'false',
    'Hold traffic also when Kubernetes drains the machine, where the pod may be away for long.',
  ),
  poolerForgottenAfter: required(
    'CITUS_SIDECAR_POOLER_FORGOTTEN_AFTER',
    duration(5_000, 3_600_000),
    '90s',
    'A pooler that has not announced itself for so long is not waited for.',
  ),
  unreadyWait: required(
    'CITUS_SIDECAR_UNREADY_WAIT',
    duration(0, 60_000),
    '3s',
    'Where no hold stands, how long a drain waits after not ready for load balancers to stop sending clients here.',
  ),
  holdMax: required(
    'CITUS_SIDECAR_HOLD_MAX',
    duration(1_000, 600_000),
    '60s',
    'The longest that client traffic is ever held; must be below the query_wait_timeout of every pooler.',
  ),
  hookPort: optional(
    'CITUS_SIDECAR_HOOK_PORT',
    port(),
    'Port of the HTTP form of the preStop hook, /v1/prestop; off where unset, since it lets who has the token drain this node.',
  ),
  hookTokenFile: optional(
    'CITUS_SIDECAR_HOOK_TOKEN_FILE',
    file(),
    'File with the bearer token of the HTTP hook, read again at every request.',
  ),
  holdForce: required(
    'CITUS_SIDECAR_HOLD_FORCE',
    bool(),
    'false',
    'End the sessions whose transactions keep writes to a restarting worker from being held, from the second try on.',
  ),
  dataDir: optional(
    'CITUS_SIDECAR_DATA_DIR',
    text(/^\/.+$/, 'an absolute path'),
    'Data directory of PostgreSQL, where it is mounted here (read-only is enough): after a stop it is said whether it was clean.',
  ),
  kubernetesHost: optional(
    'KUBERNETES_SERVICE_HOST',
    text(/^[^\s/]{1,253}$/, 'a host name or address'),
    'Where the Kubernetes API is; Kubernetes sets it in every pod. Asked for the cause of a stop where a service account token is mounted.',
  ),
  kubernetesPort: required('KUBERNETES_SERVICE_PORT', port(), '443', 'Port of the Kubernetes API.'),
  serviceAccountDir: required(
    'CITUS_SIDECAR_SERVICE_ACCOUNT_DIR',
    text(/^\/.+$/, 'an absolute path'),
    '/var/run/secrets/kubernetes.io/serviceaccount',
    'Where the token of the service account is mounted, with ca.crt and namespace.',
  ),
} as const

// What a pod has mounted to ask the API with.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { loadConfig } from '../../../agent/config.ts'
import { placeOf, readAccess } from '../../../agent/kubernetes/access.ts'
import { authority } from '../../support/certificates.ts'
import { KubernetesApi, podUid } from '../../support/kubernetes-api.ts'

suite('access to the Kubernetes API', () => {
  test('is nowhere outside Kubernetes, and where Kubernetes says in it', () => {
    const role = { CITUS_SIDECAR_ROLE: 'standalone' }
    assert.equal(placeOf(loadConfig(role, 'any')), undefined)
    assert.deepEqual(placeOf(loadConfig({ ...role, KUBERNETES_SERVICE_HOST: '10.96.0.1' }, 'any')), {
      host: '10.96.0.1',
      port: 443,
      dir: '/var/run/secrets/kubernetes.io/serviceaccount',
    })
  })

  test('is what is mounted now; the pod is the one that the token is bound to', async () => {
    await using api = await KubernetesApi.start('worker-0')
    const first = await readAccess(api.place)
    assert.equal(first.namespace, 'db')
    assert.equal(first.ca, authority.trim())
    assert.deepEqual(first.pod, { name: 'worker-0', uid: podUid })
    await api.rotate()
    assert.notEqual((await readAccess(api.place)).token, first.token)
  })

  test('has no pod where the token is bound to none, or is no token of this kind', async () => {
    await using api = await KubernetesApi.start(undefined)
    assert.equal((await readAccess(api.place)).pod, undefined)
    for (const token of ['opaque', 'a.b.c', `x.${Buffer.from('null').toString('base64url')}.y`]) {
      await api.mount('token', token)
      assert.equal((await readAccess(api.place)).pod, undefined)
    }
  })

  test('without a token says so, and where it looked', async () => {
    await using api = await KubernetesApi.start('worker-0')
    await api.mount('token', '\n')
    await assert.rejects(readAccess(api.place), /no service account token is mounted here: .*\/token is empty/)
    await assert.rejects(readAccess({ ...api.place, dir: '/nowhere' }), /is mounted here: ENOENT.*'\/nowhere\//)
  })
})

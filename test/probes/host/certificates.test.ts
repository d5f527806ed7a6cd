// Certificates: one, a bundle of which the first to expire counts, and files that are none.
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { certificateRows } from '../../../probes/host/certificates.ts'
import { authority, serverCertificate, serverKey, stranger } from '../../support/certificates.ts'
import { fileTree } from '../../support/file-trees.ts'

const expiryOf = (pem: string): number => Date.parse(new X509Certificate(pem).validTo) / 1_000

/** Made once by `openssl req -x509 -newkey ec -subj /O=test/CN=old -days 1`, over since then. */
const old = `-----BEGIN CERTIFICATE-----
MIIBkDCCATWgAwIBAgIUQssx3fzTEqcOYDXz8I3KYl3iz/0wCgYIKoZIzj0EAwIw
HTENMAsGA1UECgwEdGVzdDEMMAoGA1UEAwwDb2xkMB4XDTI2MTEyNjE2MDI1OFoX
DTI2MTEyNzE2MDI1OFowHTENMAsGA1UECgwEdGVzdDEMMAoGA1UEAwwDb2xkMFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEBTKwJQ8J71yH2OQka+MtmROocy/BuOpp
IyE3L92rus6rM39uvAgDpCzcyEcul0kZfXxd0+g+09hcDo8jcqsq5aNTMFEwHQYD
VR0OBBYEFLgMwXI92+ZGGGBh6WOAGGmQvCeyMB8GA1UdIwQYMBaAFLgMwXI92+ZG
GGBh6WOAGGmQvCeyMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIh
AL+72w7ehWr+nNsJi7Ijig6VikQA3nQBV5B2Z7C3QZxeAiEAtJvglAgWsZ3QvliX
sbDSTcvSSjk5hcis8WQMl78KArI=
-----END CERTIFICATE-----
`

suite('a certificate', () => {
  test('is told with its subject and expiry', async () => {
    await using tree = await fileTree({ 'tls.crt': serverCertificate })
    const file = join(tree.root, 'tls.crt')
    assert.deepEqual(await certificateRows([file]), [
      { file, readable: 1 },
      { file, subject: 'CN=localhost', expiry: expiryOf(serverCertificate) },
    ])
  })

  test('of a bundle is the one that expires first, and its names are on one line', async () => {
    await using tree = await fileTree({ bundle: `# authorities\n${authority}\n${old}${stranger}` })
    const file = join(tree.root, 'bundle')
    assert.deepEqual(await certificateRows([file]), [
      { file, readable: 1 },
      { file, subject: 'O=test,CN=old', expiry: expiryOf(old) },
    ])
    assert.ok(expiryOf(old) < expiryOf(authority))
  })

  test('may be written as DER', async () => {
    await using tree = await fileTree({ der: new X509Certificate(authority).raw })
    const [, row] = await certificateRows([join(tree.root, 'der')])
    assert.equal(row?.['subject'], 'CN=test ca')
  })
})

test('a file that is missing, empty, no certificate, broken or a folder is said to be unreadable', async () => {
  const broken = serverCertificate.replace('MIIB', 'XXXX')
  await using tree = await fileTree({
    empty: '',
    key: serverKey,
    broken,
    half: `${authority}${broken}`,
    'folder/x': '',
  })
  const files = ['missing', 'empty', 'key', 'broken', 'half', 'folder'].map((name) => join(tree.root, name))
  assert.deepEqual(
    await certificateRows(files),
    files.map((file) => ({ file, readable: 0 })),
  )
})

// The SCRAM verifier that bootstrap sends instead of a password, held against the example of RFC 7677, section 3.
import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { suite, test } from 'node:test'
import { verifier } from '../../../agent/cluster/bootstrap.ts'

const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
const exchange = [
  'n=user,r=rOprNGfwEbeRWgbNEkqO',
  'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
].join(',')
const proof = Buffer.from('dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=', 'base64')
const serverSignature = '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='

function partsOf(text: string): { iterations: string; salt: string; storedKey: Buffer; serverKey: Buffer } {
  const match = /^SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)$/.exec(text)
  const [, iterations = '', used = '', stored = '', server = ''] = match ?? []
  return { iterations, salt: used, storedKey: Buffer.from(stored, 'base64'), serverKey: Buffer.from(server, 'base64') }
}

suite('a SCRAM verifier', () => {
  const made = partsOf(verifier('pencil', salt))

  test('has the form that PostgreSQL stores', () => {
    assert.equal(made.iterations, '4096')
    assert.equal(made.salt, salt.toString('base64'))
    assert.equal(made.storedKey.length, 32)
    assert.equal(made.serverKey.length, 32)
  })

  test('accepts the proof of a client that knows the password', () => {
    const signature = createHmac('sha256', made.storedKey).update(exchange).digest()
    const clientKey = Buffer.from(proof.map((byte, index) => byte ^ (signature[index] ?? 0)))
    assert.deepEqual(createHash('sha256').update(clientKey).digest(), made.storedKey)
  })

  test('lets the server prove itself to the client', () => {
    assert.equal(createHmac('sha256', made.serverKey).update(exchange).digest('base64'), serverSignature)
  })

  test('has another salt each time, and does not contain the password', () => {
    assert.notEqual(verifier('pencil'), verifier('pencil'))
    assert.doesNotMatch(verifier('pencil'), /pencil/)
  })

  test('is the same for two ways of writing the same letters', () => {
    assert.equal(verifier('p\u00e4ss', salt), verifier('pa\u0308ss', salt))
  })
})

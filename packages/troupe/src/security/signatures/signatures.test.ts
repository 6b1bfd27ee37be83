import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createVirtualClock } from '../../core/index.ts'
import type { Storage } from '../../storage/index.ts'
import { createSignatures, type SigningKey } from './index.ts'

const secret = 'a secret of at least thirty-two bytes'
const pair = () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  }
}
const support = pair()
const clock = createVirtualClock()
const storage = { dialect: { builder: () => undefined } } as unknown as Storage
const made = (...keys: SigningKey[]) => {
  const signatures = createSignatures({ keys }, { storage, clock })
  if (!signatures) throw new Error('off')
  return signatures
}
const subject = { id: '1', payload: 'hash' }
const of = (agent: string, more: object = {}) => ({ user: 'ada', agent, subject, acceptedAt: clock.now(), ...more })
const none: ReadonlySet<string> = new Set()

describe('a signature', () => {
  it('A signature is made with a secret or an Ed25519 key, and verified with the public half alone.', () => {
    const shared = made({ id: 'all', secret })
    expect(shared.check(shared.sign('ada', 'A', subject), of('A'), none)).toBeUndefined()
    const signer = made({ id: 's1', agent: 'Support', privateKey: support.privateKey })
    const checker = made({ id: 's1', agent: 'Support', publicKey: support.publicKey })
    expect(checker.check(signer.sign('ada', 'Support', subject), of('Support'), none)).toBeUndefined()
    expect(checker.sign('ada', 'Support', subject)).toBeUndefined()
  })
  it('A signature is valid for one user, one agent, one subject, one key and one moment.', () => {
    const signatures = made({ id: 'all', secret })
    const signed = signatures.sign('ada', 'A', subject)
    const changed = [of('B'), of('A', { user: 'bob' }), of('A', { subject: { ...subject, id: '2' } })].map((claimed) =>
      signatures.check(signed, claimed, none),
    )
    expect(changed).toEqual(['signature.invalid', 'signature.invalid', 'signature.invalid'])
    const later = signed && { ...signed, at: signed.at + 1 }
    expect(signatures.check(later, of('A'), none)).toBe('signature.invalid')
    expect(signatures.check(signed && { ...signed, key: 'other' }, of('A'), none)).toBe('signature.invalid')
    expect(signatures.check(signed && { ...signed, signature: '' }, of('A'), none)).toBe('signature.invalid')
  })
  it('A signature with the key of another agent is invalid.', () => {
    const signatures = made(
      { id: 'support', agent: 'Support', privateKey: support.privateKey },
      { id: 'boss', agent: 'Boss', privateKey: pair().privateKey },
    )
    const signed = signatures.sign('ada', 'Support', subject)
    expect(signatures.check(signed, of('Boss'), none)).toBe('signature.invalid')
  })
  it('A signature is valid five minutes around its moment, by the time at which the message was accepted.', () => {
    const signatures = made({ id: 'all', secret })
    const signed = signatures.sign('ada', 'A', subject)
    const at = (minutes: number) => of('A', { acceptedAt: clock.now() + minutes * 60_000 })
    expect([-5, 5].map((minutes) => signatures.check(signed, at(minutes), none))).toEqual([undefined, undefined])
    expect([-5.1, 5.1].map((minutes) => signatures.check(signed, at(minutes), none))).toEqual([
      'signature.expired',
      'signature.expired',
    ])
  })
  it('A signature is made by the most closely scoped key, and among equals by the last one.', () => {
    const keys: SigningKey[] = [
      { id: 'agent', agent: 'A', secret },
      { id: 'first', secret },
      { id: 'last', secret },
      { id: 'later', secret, from: new Date(clock.now() + 60_000) },
    ]
    const signatures = made(...keys)
    expect(signatures.sign('ada', 'A', subject)?.key).toBe('agent')
    expect(signatures.sign('ada', 'B', subject)?.key).toBe('last')
  })
})

describe('a rotation', () => {
  it('A rotation lets the old key verify, for the overlap, what it signed before.', async () => {
    const signatures = made({ id: 'old', secret })
    const before = signatures.sign('ada', 'A', subject)
    const acceptedAt = clock.now()
    signatures.rotate({ id: 'new', secret: `${secret}!` }, { overlap: '10m' })
    expect(signatures.sign('ada', 'A', subject)?.key).toBe('new')
    expect(signatures.check(before, of('A', { acceptedAt }), none)).toBeUndefined()
    expect(signatures.keys()).toMatchObject([
      { id: 'old', signs: false, until: new Date(acceptedAt + 600_000).toISOString() },
      { id: 'new', signs: true },
    ])
    expect(JSON.stringify(signatures.keys())).not.toContain('thirty-two')
    const late = made({ id: 'old', secret, until: new Date(acceptedAt) })
    expect(late.check(before, of('A', { acceptedAt }), none)).toBe('signature.expired')
  })
  it('A rotation to a key that begins later leaves the signing to the old key until then.', async () => {
    const signatures = made({ id: 'old', secret })
    const from = new Date(clock.now() + 60_000)
    signatures.rotate({ id: 'new', secret: `${secret}!`, from })
    expect(signatures.sign('ada', 'A', subject)?.key).toBe('old')
    await clock.advance('1m')
    expect(signatures.sign('ada', 'A', subject)?.key).toBe('new')
    expect(signatures.keys()[0]?.until).toBe(new Date(from.getTime() + 3_600_000).toISOString())
  })
  it('A rotation needs an overlap that is at least as long as the window.', () => {
    expect(() => made({ id: 'old', secret }).rotate({ id: 'new', secret }, { overlap: '1m' })).toThrow(/at least 5m/)
  })
})

describe('a key', () => {
  it.each([
    ['no id', { id: '', secret }, /its id must be/],
    ['a short secret', { id: 'k', secret: 'short' }, /less than 32 bytes/],
    ['nothing to sign with', { id: 'k' }, /one of secret/],
    ['two things', { id: 'k', secret, publicKey: support.publicKey }, /one of secret/],
    ['no PEM', { id: 'k', privateKey: 'hunter2' }, /not an Ed25519 key/],
    ['a public half as the private one', { id: 'k', privateKey: support.publicKey }, /not an Ed25519 key/],
    ['another kind of key', { id: 'k', privateKey: generateKeyPairSync('x25519').privateKey }, /not an Ed25519 key/],
    ['no moment', { id: 'k', secret, from: 'soon' }, /Dates or ISO/],
    ['an option it does not have', { id: 'k', secret, untill: 'x' }, /until/],
  ])('A signing key with %s is rejected, and the error does not quote the secret.', (_, key, problem) => {
    expect(() => made(key as SigningKey)).toThrow(problem)
    expect(() => made(key as SigningKey)).not.toThrow(/hunter2/)
  })
  it('A signing key needs a unique id, and signatures need at least one key.', () => {
    expect(() => made({ id: 'k', secret }, { id: 'k', secret })).toThrow(/two keys have the id k/)
    expect(() => made()).toThrow(/at least one key/)
    expect(() => createSignatures({ policy: 'on' as never, keys: [] }, { storage, clock })).toThrow(
      /off, verify, require/,
    )
    expect(createSignatures({ policy: 'off', keys: [{ id: 'k', secret }] }, { storage, clock })).toBeUndefined()
  })
})

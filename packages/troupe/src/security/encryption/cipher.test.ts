import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DataKey, decrypt, encrypt, isEncrypted, keyIdOf, newKey, newKeyId } from './encrypt.ts'

const bytes = newKey()
const key = new DataKey(newKeyId(), bytes)

describe('a sealed text', () => {
  it('An encrypted text decrypts only with its key and at its location.', () =>
    fc.assert(
      fc.property(fc.json(), fc.string({ unit: 'binary' }), (json, location) => {
        const encrypted = key.encrypt(location, json)
        expect(isEncrypted(encrypted)).toBe(true)
        expect(isEncrypted(json)).toBe(false)
        expect(keyIdOf(encrypted)).toBe(key.id)
        expect(key.decrypt(location, encrypted)).toBe(json)
        expect(key.decrypt(`${location} `, encrypted)).toBeUndefined()
        expect(new DataKey(key.id, newKey()).decrypt(location, encrypted)).toBeUndefined()
      }),
    ))

  it('An encrypted text with one changed character does not decrypt.', () => {
    const encrypted = key.encrypt('locationKey', '{"a":"b"}')
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=~ '
    for (let at = 0; at < encrypted.length; at++)
      for (const other of alphabet) {
        if (encrypted[at] === other) continue
        const changed = encrypted.slice(0, at) + other + encrypted.slice(at + 1)
        // What does not begin as a sealed text is none, which a sealed database refuses.
        if (isEncrypted(changed) && keyIdOf(changed) === key.id)
          expect(key.decrypt('locationKey', changed), `${at} ${other}`).toBeUndefined()
      }
    for (let length = 0; length < encrypted.length; length++)
      expect(key.decrypt('locationKey', encrypted.slice(0, length))).toBeUndefined()
  })

  it('An encrypted text differs each time.', () => {
    const all = new Set(Array.from({ length: 1_000 }, () => key.encrypt('locationKey', '1')))
    expect(all.size).toBe(1_000)
  })
})

it('Encrypted bytes with one changed bit do not decrypt.', () => {
  const encrypted = encrypt(bytes, 'locationKey', Buffer.from('content'))
  expect(decrypt(bytes, 'locationKey', encrypted)?.toString()).toBe('content')
  for (let bit = 0; bit < encrypted.length * 8; bit++) {
    const changed = Buffer.from(encrypted)
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
    expect(decrypt(bytes, 'locationKey', changed)).toBeUndefined()
  }
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DataKey, decrypt, encrypt, isSealed, keyIdOf, newKey, newKeyId } from './cipher.ts'

const bytes = newKey()
const key = new DataKey(newKeyId(), bytes)

describe('a sealed text', () => {
  it('of any JSON opens to it, at its place and with its key alone', () =>
    fc.assert(
      fc.property(fc.json(), fc.string({ unit: 'binary' }), (json, place) => {
        const sealed = key.seal(place, json)
        expect(isSealed(sealed)).toBe(true)
        expect(isSealed(json)).toBe(false)
        expect(keyIdOf(sealed)).toBe(key.id)
        expect(key.open(place, sealed)).toBe(json)
        expect(key.open(`${place} `, sealed)).toBeUndefined()
        expect(new DataKey(key.id, newKey()).open(place, sealed)).toBeUndefined()
      }),
    ))

  it('of which any character is another does not open', () => {
    const sealed = key.seal('place', '{"a":"b"}')
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=~ '
    for (let at = 0; at < sealed.length; at++)
      for (const other of alphabet) {
        if (sealed[at] === other) continue
        const changed = sealed.slice(0, at) + other + sealed.slice(at + 1)
        // What does not begin as a sealed text is none, which a sealed database refuses.
        if (isSealed(changed) && keyIdOf(changed) === key.id)
          expect(key.open('place', changed), `${at} ${other}`).toBeUndefined()
      }
    for (let length = 0; length < sealed.length; length++)
      expect(key.open('place', sealed.slice(0, length))).toBeUndefined()
  })

  it('is another one each time', () => {
    const all = new Set(Array.from({ length: 1_000 }, () => key.seal('place', '1')))
    expect(all.size).toBe(1_000)
  })
})

it('bytes of which any bit is another do not open', () => {
  const sealed = encrypt(bytes, 'place', Buffer.from('content'))
  expect(decrypt(bytes, 'place', sealed)?.toString()).toBe('content')
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const changed = Buffer.from(sealed)
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
    expect(decrypt(bytes, 'place', changed)).toBeUndefined()
  }
})

/**
 * AES-256-GCM. A sealed text says which key opens it and holds nonce, ciphertext and tag; where it belongs is authenticated
 * with it, and not in it.
 *
 * Invariant: nonces are random and of 96 bits, so a key seals 2^32 texts at most (NIST SP 800-38D, 8.3); who hands out the
 * key counts (`data-keys.ts`).
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomFillSync } from 'node:crypto'

/** Bytes of a key. */
export const keyBytes = 32
/** What a key may seal. */
export const maxKeyUses = 2 ** 32

/** No JSON text begins so, and no text that rooms store besides. */
const mark = '~1'
const idLength = 11
const headLength = mark.length + idLength
const [nonceBytes, tagBytes] = [12, 16]
const algorithm = 'aes-256-gcm'
const length = { authTagLength: tagBytes }

/** Of a key's id: 64 random bits. */
export const newKeyId = (): string => randomFillSync(Buffer.alloc(8)).toString('base64url')
export const newKey = (): Buffer => randomFillSync(Buffer.alloc(keyBytes))

export const isEncrypted = (text: string): boolean => text.startsWith(mark)
/** With what everything begins that this key has sealed; without an id, everything sealed. */
export const encryptedPrefix = (keyId = ''): string => mark + keyId
export const keyIdOf = (encrypted: string): string => encrypted.slice(mark.length, headLength)

/** Seals and opens the texts of one user. */
export class DataKey {
  readonly id: string
  readonly #key: KeyObject
  /** Drawn many at a time, each used once: drawing costs more than sealing a short text. */
  readonly #nonces: Buffer = Buffer.alloc(nonceBytes * 64)
  #used: number = this.#nonces.length

  constructor(id: string, key: Uint8Array) {
    this.id = id
    this.#key = createSecretKey(key)
  }

  /** @param location an unambiguous text for where it belongs */
  encrypt(location: string, text: string): string {
    return (
      encryptedPrefix(this.id) +
      encrypt(this.#key, this.#bound(location), Buffer.from(text), this.#nonce()).toString('base64url')
    )
  }

  /** @returns undefined where the text was changed, or belongs elsewhere */
  decrypt(location: string, encrypted: string): string | undefined {
    const body = encrypted.slice(headLength)
    const bytes = Buffer.from(body, 'base64url')
    // Decoding overlooks what is no base64url; two texts that mean the same bytes are not both what was stored.
    if (bytes.toString('base64url') !== body) return undefined
    return decrypt(this.#key, this.#bound(location), bytes)?.toString()
  }

  #bound(location: string): string {
    return `${this.id} ${location}`
  }

  #nonce(): Buffer {
    if (this.#used === this.#nonces.length) {
      randomFillSync(this.#nonces)
      this.#used = 0
    }
    this.#used += nonceBytes
    return this.#nonces.subarray(this.#used - nonceBytes, this.#used)
  }
}

/** @returns nonce, ciphertext and tag */
export function encrypt(
  key: Uint8Array | KeyObject,
  authenticated: string,
  plain: Uint8Array,
  nonce: Uint8Array = randomFillSync(Buffer.alloc(nonceBytes)),
): Buffer {
  const cipher = createCipheriv(algorithm, key, nonce, length)
  cipher.setAAD(Buffer.from(authenticated))
  const encrypted = cipher.update(plain)
  cipher.final()
  return Buffer.concat([nonce, encrypted, cipher.getAuthTag()])
}

export function decrypt(key: Uint8Array | KeyObject, authenticated: string, bytes: Buffer): Buffer | undefined {
  if (bytes.length < nonceBytes + tagBytes) return undefined
  const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceBytes), length)
  decipher.setAAD(Buffer.from(authenticated))
  decipher.setAuthTag(bytes.subarray(-tagBytes))
  const plain = decipher.update(bytes.subarray(nonceBytes, -tagBytes))
  try {
    decipher.final()
    return plain
  } catch {
    return undefined
  }
}

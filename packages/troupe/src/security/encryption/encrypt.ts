/**
 * AES-256-GCM. An encrypted text names its key and contains nonce, ciphertext and tag; its location is authenticated,
 * but not contained.
 * Invariant: nonces are random and have 96 bits, so a key encrypts at most 2^32 texts (NIST SP 800-38D, 8.3);
 * `data-keys.ts` counts.
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomFillSync } from 'node:crypto'

/** Bytes of a key. */
export const keyBytes = 32
/** The maximal number of encryptions with one key. */
export const maxKeyUses = 2 ** 32

/** No JSON text begins with it, and no other text that modules store. */
const mark = '~1'
const idLength = 11
const headLength = mark.length + idLength
const [nonceBytes, tagBytes] = [12, 16]
const algorithm = 'aes-256-gcm'
const length = { authTagLength: tagBytes }

/** Returns a new id of a key: 64 random bits. */
export const newKeyId = (): string => randomFillSync(Buffer.alloc(8)).toString('base64url')
export const newKey = (): Buffer => randomFillSync(Buffer.alloc(keyBytes))

export const isEncrypted = (text: string): boolean => text.startsWith(mark)
/** Returns the prefix of all that this key has encrypted; without an id, of all encrypted texts. */
export const encryptedPrefix = (keyId = ''): string => mark + keyId
export const keyIdOf = (encrypted: string): string => encrypted.slice(mark.length, headLength)

/** Encrypts and decrypts the texts of one user. */
export class DataKey {
  readonly id: string
  readonly #key: KeyObject
  /** Many are drawn at a time, and each is used once, since drawing costs more than the encryption of a short text. */
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
    // Decoding ignores invalid characters; of two texts with the same bytes, only one was stored.
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

/** A key ring in memory: AES-256-GCM, each wrapped key bound to its user and id. */
import { checkOptions, failure, invalidInput } from '../../core/index.ts'
import { decrypt, encrypt, keyBytes } from './encrypt.ts'
import type { EncryptionKey, KeyContext, KeyMaterial, KeyRing, WrappedKey } from './key-ring-port.ts'

/** Encryption keys in memory. */
export interface LocalKeys {
  /** The keys: the current one, and earlier ones that still unwrap data keys. */
  readonly keys: readonly EncryptionKey[]
  /** The id of the key that wraps; that of the last key by default. */
  readonly current?: string
}

/**
 * Creates a key ring in memory. Keys that are given by a function are requested once, here.
 * @throws ValidationError for a key that is not 32 bytes, two keys with one id, or a current key that is not in the
 * list
 * @example const keyRing = await createLocalKeyRing({ keys: [{ id: '2026-01', key: process.env.TROUPE_KEY }] })
 */
export async function createLocalKeyRing({ keys, current }: LocalKeys): Promise<KeyRing> {
  if (!Array.isArray(keys) || keys.length === 0)
    throw invalidInput('encryption.keys', 'it must be a list of { id, key }')
  const loadedKeys = new Map<string, Buffer>()
  const add = async (encryptionKey: EncryptionKey) => {
    const { id, key } = await read(encryptionKey)
    const other = loadedKeys.get(id)
    if (other && !other.equals(key)) throw invalidInput(`The key ${id}`, 'another key has this id')
    loadedKeys.set(id, key)
    return id
  }
  for (const key of keys) {
    const count = loadedKeys.size
    const id = await add(key)
    if (loadedKeys.size === count) throw invalidInput('encryption.keys', `two have the id ${id}`)
  }
  let wraps = current ?? String(keys.at(-1)?.id)
  const key = (id: string): Buffer => {
    const found = loadedKeys.get(id)
    if (!found) throw failure('encryption.key_missing', { id })
    return found
  }
  key(wraps)
  return {
    get current() {
      return wraps
    },
    wrap: async (keyContext, plain) => ({
      by: wraps,
      text: encrypt(key(wraps), bound(keyContext, wraps), plain).toString('base64url'),
    }),
    async unwrap(keyContext, { by, text }: WrappedKey) {
      const plain = decrypt(key(by), bound(keyContext, by), Buffer.from(text, 'base64url'))
      if (!plain) throw failure('encryption.key_wrong', { id: by })
      return plain
    },
    async use(other) {
      const id = typeof other === 'string' ? other : await add(other)
      key(id)
      wraps = id
    },
  }
}

const bound = ({ user, id }: KeyContext, by: string) => JSON.stringify(['troupe.key', by, user, id])

async function read(encryptionKey: EncryptionKey): Promise<{ readonly id: string; readonly key: Buffer }> {
  if (typeof encryptionKey !== 'object' || encryptionKey === null)
    throw invalidInput('A key of encryption.keys', 'it is not a { id, key }')
  checkOptions('encryption.keys', encryptionKey, ['id', 'key'])
  const { id } = encryptionKey
  if (typeof id !== 'string' || !/^[\w.:/-]{1,128}$/.test(id))
    throw invalidInput('The id of a key', 'it must be 1 to 128 letters, digits or any of . _ : / -')
  const material = typeof encryptionKey.key === 'function' ? await encryptionKey.key() : encryptionKey.key
  const key = bytesOf(material)
  // The error does not show the key.
  if (key?.length !== keyBytes)
    throw invalidInput(`The key ${id}`, `it is not ${keyBytes} bytes, as they are, in hexadecimal or in base64`)
  return { id, key }
}

function bytesOf(material: KeyMaterial): Buffer | undefined {
  if (material instanceof Uint8Array) return Buffer.from(material)
  if (typeof material !== 'string') return undefined
  const text = material.trim()
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex')
  return /^[\w+/-]{43}=?$/.test(text) ? Buffer.from(text, 'base64') : undefined
}

/**
 * The rows with which a database recognises its key ring: a probe per key that encrypted something, and the wrapped
 * secret of its hashes. A wrong or missing key is found when the database is opened, not at the first value.
 */
import type { OpenedStorage, Statement } from '../../storage/index.ts'
import { commitWork } from '../commit-work.ts'
import { newKey } from './encrypt.ts'
import { encryptionStatements } from './encryption-state.ts'
import type { KeyRing, WrappedKey } from './key-ring-port.ts'

type CommittingStorage = Pick<OpenedStorage, 'commit' | 'dialect'>

export const nameOfProbe = (id: string): string => `key:${id}`
const probe = (id: string) => ({ user: '', id: `probe of ${id}` })
const secret = { user: '', id: 'secret of hashes' }
const secretName = 'secret'

async function rowsOf(storage: OpenedStorage): Promise<ReadonlyMap<string, string>> {
  const { all } = encryptionStatements(storage.dialect)
  const [rows = []] = await storage.read({ work: true }, [all({})])
  return new Map(rows.map(({ name, value }) => [String(name), String(value)]))
}

/**
 * Tries every key that has encrypted something in the database, and stores a probe of the current one.
 * @returns the ids of keys that have a probe
 * @throws ValidationError `encryption.key_missing` or `encryption.key_wrong`, naming the id
 */
export async function checkKeyRing(storage: OpenedStorage, keyRing: KeyRing): Promise<readonly string[]> {
  const rows = await rowsOf(storage)
  const ids = [...rows.keys()].filter((name) => name.startsWith('key:')).map((name) => name.slice('key:'.length))
  for (const id of ids) await keyRing.unwrap(probe(id), { by: id, text: rows.get(nameOfProbe(id)) as string })
  return ids.includes(keyRing.current) ? ids : [...ids, await storeProbe(storage, keyRing)]
}

/** Stores a probe of the current key. @returns its id */
export async function storeProbe(storage: CommittingStorage, keyRing: KeyRing): Promise<string> {
  const { by, text } = await keyRing.wrap(probe(keyRing.current), newKey())
  const { begin } = encryptionStatements(storage.dialect)
  await commitWork(storage, [begin({ name: nameOfProbe(by), value: text })])
  return by
}

/**
 * Returns the guard of a change that stores a data key. A key of the ring has a probe as long as a data key is wrapped with
 * it, so that a database does not open without the key.
 * @param by the id of the key that wraps
 */
export const probeGuard = ({ dialect }: Pick<OpenedStorage, 'dialect'>, by: string): Statement =>
  encryptionStatements(dialect).hold(
    { name: nameOfProbe(by) },
    { expect: { rows: 1 }, otherwise: 'encryption.changing' },
  )

/** Returns the secret that is hashed with large values, besides the database's own; created if it is missing. */
export async function secretOf(storage: OpenedStorage, keyRing: KeyRing | undefined): Promise<Uint8Array | undefined> {
  const stored = (await rowsOf(storage)).get(secretName)
  if (stored !== undefined) return open(stored, keyRing)
  if (!keyRing) return undefined
  await putSecret(storage, await wrapped(keyRing, newKey()), 'begin')
  return secretOf(storage, keyRing)
}

/** Wraps it by the current key. */
export async function encryptSecret(storage: OpenedStorage, keyRing: KeyRing): Promise<void> {
  const plain = await secretOf(storage, keyRing)
  if (plain) await putSecret(storage, await wrapped(keyRing, plain), 'put')
}

/** Stores the secret in plain form: large values keep their hashes when the database is decrypted. */
export async function openSecret(storage: OpenedStorage, keyRing: KeyRing): Promise<void> {
  const plain = await secretOf(storage, keyRing)
  if (plain) await putSecret(storage, JSON.stringify({ plain: Buffer.from(plain).toString('base64url') }), 'put')
}

const putSecret = (storage: OpenedStorage, value: string, how: 'begin' | 'put') =>
  commitWork(storage, [encryptionStatements(storage.dialect)[how]({ name: secretName, value })])

const wrapped = async (keyRing: KeyRing, key: Uint8Array) => JSON.stringify(await keyRing.wrap(secret, key))

async function open(stored: string, keyRing: KeyRing | undefined): Promise<Uint8Array | undefined> {
  const value = JSON.parse(stored) as WrappedKey | { readonly plain: string }
  if ('plain' in value) return Buffer.from(value.plain, 'base64url')
  return keyRing?.unwrap(secret, value)
}

/** Puts encryption over a storage that was opened, or refuses what does not fit: before anything else is read. */
import { type Clock, checkOptions, type Events, failure } from '../../core/index.ts'
import { type OpenedStorage, sealStorage, type UserTable } from '../../storage/index.ts'
import { newKeyId } from './cipher.ts'
import { DataKeys } from './data-keys.ts'
import { ActiveEncryption, noEncryption, type RunningEncryption } from './encryption.ts'
import type { KeyRing } from './key-ring-port.ts'
import { createLocalKeyRing, type LocalKeys } from './local-key-ring.ts'
import { nextUser } from './next-user.ts'
import { checkRing, sealSecret, secretOf } from './ring-check.ts'
import { readStanding, type Standing, writeStanding } from './standing.ts'
import { keyTable } from './sweeper.ts'

/** The keys themselves, or a ring that has them. */
export type EncryptionConfig = LocalKeys | { readonly ring: KeyRing }

export interface OpenEncryptionParts {
  readonly storage: OpenedStorage
  readonly config: EncryptionConfig | undefined
  readonly clock: Clock
  readonly events: Events
  /** Of all rooms. */
  readonly tables: readonly UserTable[]
  readonly failed: (error: unknown) => void
}

export interface OpenedEncryption {
  /** What everything else works on. */
  readonly storage: OpenedStorage
  readonly encryption: RunningEncryption
  /** For the hashes of large values. */
  readonly secret: Uint8Array | undefined
  readonly ring: KeyRing | undefined
  readonly outdated: (user: string) => void
}

/** @throws ValidationError `encryption.required`, `encryption.key_missing`, `encryption.key_wrong`, `validation.failed` */
export async function openEncryption(parts: OpenEncryptionParts): Promise<OpenedEncryption> {
  const { storage, config, clock } = parts
  const found = await readStanding(storage)
  if (config === undefined) {
    if (found && found.state !== 'off')
      throw failure('encryption.required', {
        what: `The database ${storage.place}`,
        problem: 'what it holds is sealed. Open it with its keys; troupe.encryption.decrypt() makes it plain',
      })
    const secret = await secretOf(storage, undefined)
    return { storage, encryption: noEncryption, secret, ring: undefined, outdated: () => {} }
  }
  const ring = await ringOf(config)
  await checkRing(storage, ring)
  const secret = await secretOf(storage, ring)
  const standing = found && found.state !== 'off' ? found : await begin(parts, ring)
  const keys = new DataKeys({ storage, ring, clock, standing })
  const encryption = new ActiveEncryption({ ...parts, ring, keys })
  return { storage: sealStorage(storage, keys), encryption, secret, ring, outdated: (user) => keys.outdated(user) }
}

/** Turned on just now. An empty database is sealed from its first value. */
async function begin({ storage, tables }: OpenEncryptionParts, ring: KeyRing): Promise<Standing> {
  await sealSecret(storage, ring)
  const stored = await nextUser(storage, [...tables.filter(({ content }) => content), keyTable], '')
  const standing: Standing =
    stored === undefined
      ? { state: 'sealed' }
      : { state: 'sealing', sweep: { what: 'seal', after: '', id: newKeyId() } }
  await writeStanding(storage, standing)
  return standing
}

async function ringOf(config: EncryptionConfig): Promise<KeyRing> {
  if (typeof config !== 'object' || config === null)
    throw failure('validation.failed', { what: 'encryption', problem: 'it is no { keys, current } and no { ring }' })
  if ('ring' in config) {
    checkOptions('encryption', config, ['ring'])
    return config.ring
  }
  checkOptions('encryption', config, ['keys', 'current'])
  return createLocalKeyRing(config)
}

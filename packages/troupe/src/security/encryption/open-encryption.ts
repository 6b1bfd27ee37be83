/**
 * Puts encryption over an opened storage, or rejects a configuration that does not fit, before anything else is read.
 */
import { type Clock, checkOptions, type Events, failure, fieldOf, invalidInput } from '../../core/index.ts'
import { encryptStorage, type OpenedStorage, type UserTable } from '../../storage/index.ts'
import { checkKeyRing, encryptSecret, secretOf } from './check-key-ring.ts'
import { DataKeys } from './data-keys.ts'
import { newKeyId } from './encrypt.ts'
import { encryptBroadcast } from './encrypt-broadcast.ts'
import { ActiveEncryption, noEncryption, type RunningEncryption } from './encryption.ts'
import { changeEncryptionState, type EncryptionState, readEncryptionState } from './encryption-state.ts'
import type { KeyRing } from './key-ring-port.ts'
import { createLocalKeyRing, type LocalKeys } from './local-key-ring.ts'
import { nextUser } from './next-user.ts'
import { keyTable } from './reencrypt-users.ts'

/** The option `encryption` of `createTroupe`: the keys, or a key ring that has them. */
export type EncryptionConfig =
  | LocalKeys
  | {
      /** A key ring, for example of a key service. */
      readonly keyRing: KeyRing
    }

export interface OpenEncryptionParts {
  readonly storage: OpenedStorage
  readonly config: EncryptionConfig | undefined
  readonly clock: Clock
  readonly events: Events
  /** The tables of all modules. */
  readonly tables: readonly UserTable[]
  readonly failed: (error: unknown) => void
}

export interface OpenedEncryption {
  /** The storage that everything else uses. */
  readonly storage: OpenedStorage
  readonly encryption: RunningEncryption
  /** The secret for the hashes of large values. */
  readonly secret: Uint8Array | undefined
  readonly keyRing: KeyRing | undefined
  readonly outdated: (user: string) => void
}

/** @throws ValidationError `encryption.required`, `encryption.key_missing`, `encryption.key_wrong`, `validation.failed` */
export async function openEncryption(parts: OpenEncryptionParts): Promise<OpenedEncryption> {
  const { storage, config, clock } = parts
  const found = await readEncryptionState(storage)
  if (config === undefined) {
    if (found && found.state !== 'off')
      throw failure('encryption.required', {
        what: `The database ${storage.location}`,
        problem: 'its values are encrypted. Open it with its keys; troupe.encryption.decrypt() decrypts all values',
      })
    const secret = await secretOf(storage, undefined)
    return { storage, encryption: noEncryption, secret, keyRing: undefined, outdated: () => {} }
  }
  const keyRing = await keyRingOf(config)
  await checkKeyRing(storage, keyRing)
  const secret = await secretOf(storage, keyRing)
  const encryptionState = found && found.state !== 'off' ? found : await begin(parts, keyRing)
  const keys = new DataKeys({ storage, keyRing, clock, encryptionState })
  const encryption = new ActiveEncryption({ ...parts, keyRing, keys })
  const { broadcast: plain } = storage
  const broadcast = plain && secret ? { broadcast: encryptBroadcast(plain, secret, clock) } : {}
  return {
    storage: { ...encryptStorage(storage, keys), ...broadcast },
    encryption,
    secret,
    keyRing,
    outdated: (user) => keys.outdated(user),
  }
}

/** Encryption was turned on now. An empty database is encrypted from its first value. */
async function begin({ storage, tables }: OpenEncryptionParts, keyRing: KeyRing): Promise<EncryptionState> {
  await encryptSecret(storage, keyRing)
  const stored = await nextUser(storage, [...tables.filter(({ content }) => content), keyTable], '')
  const encryptionState: EncryptionState =
    stored === undefined
      ? { state: 'encrypted' }
      : { state: 'encrypting', reencryption: { what: 'encrypt', after: '', id: newKeyId() } }
  // Another process that opens the database may have begun.
  const begun = await changeEncryptionState(storage, (found) =>
    found === undefined || found.state === 'off' ? encryptionState : undefined,
  )
  return begun.stored ?? encryptionState
}

async function keyRingOf(config: EncryptionConfig): Promise<KeyRing> {
  if (typeof config !== 'object' || config === null)
    throw invalidInput('encryption', 'it is neither { keys, current } nor { keyRing }')
  if ('keyRing' in config) {
    checkOptions('encryption', config, ['keyRing'])
    return checkKeyRingForm(config.keyRing)
  }
  checkOptions('encryption', config, ['keys', 'current'])
  return createLocalKeyRing(config)
}

/** @throws ValidationError for a key ring that lacks a member */
function checkKeyRingForm(keyRing: KeyRing): KeyRing {
  const wrong = (problem: string) => invalidInput('encryption.keyRing', problem)
  if (typeof fieldOf(keyRing, 'current') !== 'string') throw wrong('its current is not a text')
  for (const member of ['wrap', 'unwrap'])
    if (typeof fieldOf(keyRing, member) !== 'function') throw wrong(`its ${member} is not a function`)
  return keyRing
}

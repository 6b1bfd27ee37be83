/**
 * Encryption at rest as the host sees it: on or off, how far, and the rotation of its keys while everything runs. One sweep
 * at a time; one that a crash cut off goes on at the next opening.
 */
import { checkFlag, checkOptions, failure } from '../../core/index.ts'
import { checkKeyRing, encryptSecret, openSecret } from './check-key-ring.ts'
import { newKeyId } from './encrypt.ts'
import {
  commitWork,
  type EncryptionState,
  encryptionStatements,
  type Reencryption,
  writeEncryptionState,
} from './encryption-state.ts'
import type { EncryptionKey, KeyRing } from './key-ring-port.ts'
import { type ReencryptionParts, type ReencryptionResult, reencryptUsers } from './reencrypt-users.ts'

export interface EncryptionStatus {
  readonly state: EncryptionState['state']
  /** The id of the key of the ring that wraps now; absent without encryption. */
  readonly current?: string
  /** What goes over the users just now. */
  readonly reencryption?: Reencryption['what']
}

export interface RotateOptions {
  /** The key that wraps from now on: the id of one in the ring, or a new one, which must be in the configuration too. */
  readonly to?: string | EncryptionKey
  /** Gives every user a new data key, and seals everything anew under it. */
  readonly data?: boolean
}

export interface Encryption {
  status(): Promise<EncryptionStatus>
  /**
   * Wraps the data keys of all users anew, and with `data` seals all values under new ones; old ones are destroyed.
   * Resolves when it is done; reading and writing go on meanwhile.
   * @returns how many users it looked at, how many keys and rows it stored anew
   * @throws ValidationError `encryption.required`, `encryption.key_missing`, `option.unknown`
   * @example await troupe.encryption.rotate({ to: '2026-02', data: true })
   */
  rotate(options?: RotateOptions): Promise<ReencryptionResult>
  /**
   * Makes everything plain again, and forgets the keys. From then on the database opens without encryption.
   * @throws ValidationError `encryption.required`
   */
  decrypt(): Promise<ReencryptionResult>
  /** Resolves when what goes over the users has ended; rejects with what it failed with. */
  whenIdle(): Promise<void>
}

export interface RunningEncryption extends Encryption {
  /** What an earlier process left undone goes on. */
  start(): void
  close(): Promise<void>
}

export interface EncryptionParts extends ReencryptionParts {
  readonly keyRing: KeyRing
  /** A sweep that nobody waits for failed. */
  readonly failed: (error: unknown) => void
}

export class ActiveEncryption implements RunningEncryption {
  readonly #parts: EncryptionParts
  readonly #closing = new AbortController()
  #running: Promise<unknown> = Promise.resolve()

  constructor(parts: EncryptionParts) {
    this.#parts = parts
  }

  start(): void {
    const { reencryption } = this.#parts.keys.encryptionState
    if (reencryption) void this.#next(() => this.#reencryption(reencryption)).catch(this.#parts.failed)
  }

  async status(): Promise<EncryptionStatus> {
    const { keys, keyRing } = this.#parts
    const { state, reencryption } = keys.encryptionState
    return {
      state,
      ...(state === 'off' ? {} : { current: keyRing.current }),
      ...(reencryption ? { reencryption: reencryption.what } : {}),
    }
  }

  async rotate(options: RotateOptions = {}): Promise<ReencryptionResult> {
    checkOptions('rotate', options, ['to', 'data'])
    const { to, data = false } = options
    checkFlag('data', data)
    return this.#next(async () => {
      const { keys, keyRing, storage } = this.#parts
      if (keys.encryptionState.state === 'off' || keys.encryptionState.state === 'decrypting')
        throw failure('encryption.required', { what: 'A rotation of keys', problem: 'this database is made plain' })
      if (to !== undefined) {
        if (!keyRing.use)
          throw failure('validation.failed', { what: 'to', problem: 'this key ring decides by itself which key wraps' })
        await keyRing.use(to)
      }
      await checkKeyRing(storage, keyRing)
      const wrapped = await this.#reencryption(newReencryption('keys'))
      if (!data) return wrapped
      const encrypted = await this.#reencryption(newReencryption('data'))
      return { users: encrypted.users, rows: wrapped.rows + encrypted.rows }
    })
  }

  decrypt(): Promise<ReencryptionResult> {
    return this.#next(async () => this.#reencryption(newReencryption('decrypt')))
  }

  async whenIdle(): Promise<void> {
    await this.#running
  }

  async close(): Promise<void> {
    this.#closing.abort(failure('troupe.closed', { what: 'Going over what is sealed' }))
    await this.#running.catch(() => {})
  }

  #next<Out>(run: () => Promise<Out>): Promise<Out> {
    const next = this.#running.then(run, run)
    this.#running = next
    // Who asked for it is told; who did not, asks by `whenIdle`.
    next.catch(() => {})
    return next
  }

  async #reencryption(reencryption: Reencryption): Promise<ReencryptionResult> {
    const { state } = this.#parts.keys.encryptionState
    await this.#saveState({ state: reencryption.what === 'decrypt' ? 'decrypting' : state, reencryption })
    const result = await reencryptUsers(this.#parts, reencryption, this.#closing.signal)
    if (reencryption.what === 'keys') await this.#forgetOldKeys()
    if (reencryption.what === 'decrypt') await this.#end()
    else await this.#saveState({ state: reencryption.what === 'encrypt' ? 'encrypted' : state })
    return result
  }

  async #saveState(encryptionState: EncryptionState): Promise<void> {
    await writeEncryptionState(this.#parts.storage, encryptionState)
    this.#parts.keys.encryptionState = encryptionState
  }

  /** No data key is wrapped by them any more: the database opens without them. */
  async #forgetOldKeys(): Promise<void> {
    const { storage, keyRing } = this.#parts
    await encryptSecret(storage, keyRing)
    const { remove } = encryptionStatements(storage.dialect)
    const old = (await checkKeyRing(storage, keyRing)).filter((id) => id !== keyRing.current)
    await commitWork(
      storage,
      old.map((id) => remove({ name: `key:${id}` })),
    )
  }

  async #end(): Promise<void> {
    const { storage, keyRing } = this.#parts
    await openSecret(storage, keyRing)
    const { remove } = encryptionStatements(storage.dialect)
    await commitWork(
      storage,
      (await checkKeyRing(storage, keyRing)).map((id) => remove({ name: `key:${id}` })),
    )
    await this.#saveState({ state: 'off' })
  }
}

const newReencryption = (what: Reencryption['what']): Reencryption => ({ what, after: '', id: newKeyId() })

/** There is no key ring. */
export const noEncryption: RunningEncryption = {
  status: async () => ({ state: 'off' }),
  rotate: async () => {
    throw failure('encryption.required', { what: 'A rotation of keys', problem: 'there is no key ring' })
  },
  decrypt: async () => {
    throw failure('encryption.required', { what: 'Making values plain', problem: 'there is no key ring' })
  },
  whenIdle: async () => {},
  start: () => {},
  close: async () => {},
}

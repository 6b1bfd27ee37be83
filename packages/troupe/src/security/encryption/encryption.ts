/** The public interface of encryption at rest, and its implementations with and without keys. */
import { checkFlag, checkOptions, failure, invalidInput } from '../../core/index.ts'
import { commitWork } from '../committed.ts'
import { checkKeyRing, encryptSecret, openSecret } from './check-key-ring.ts'
import { newKeyId } from './encrypt.ts'
import {
  type EncryptionState,
  encryptionStatements,
  type Reencryption,
  writeEncryptionState,
} from './encryption-state.ts'
import type { EncryptionKey, KeyRing } from './key-ring-port.ts'
import { type ReencryptionParts, type ReencryptionResult, reencryptUsers } from './reencrypt-users.ts'

/** The state of encryption at rest. */
export interface EncryptionStatus {
  /**
   * `encrypting`: new values are encrypted, older ones may be plain. `encrypted`: all values are. `decrypting`: new
   * values are plain, older ones may be encrypted. `off`: no value is encrypted.
   */
  readonly state: EncryptionState['state']
  /** The id of the key that wraps data keys now; absent without encryption. */
  readonly current?: string
  /** The work that goes over all users now; absent if there is none. */
  readonly reencryption?: Reencryption['what']
}

/** Options of `rotate`. */
export interface RotateOptions {
  /**
   * The key that wraps from now on: the id of a key of the ring, or a new key, which must be added to the configuration
   * too. The current key by default.
   */
  readonly to?: string | EncryptionKey
  /** Gives every user a new data key and encrypts all values with it; false by default. */
  readonly data?: boolean
}

/**
 * Encryption at rest: its state, and the rotation of its keys while the troupe works. One rotation runs at a time; one
 * that a crash interrupted continues when the database is opened again.
 */
export interface Encryption {
  /** Returns the state of encryption. */
  status(): Promise<EncryptionStatus>
  /**
   * Wraps the data keys of all users with the current key. With `data`, all values are encrypted with new data keys before, and
   * the old ones are destroyed. Resolves when it is done; reads and writes continue meanwhile.
   * @throws ValidationError `encryption.required`, `encryption.key_missing`, `option.unknown`
   * @example await troupe.encryption.rotate({ to: '2026-02', data: true })
   */
  rotate(options?: RotateOptions): Promise<ReencryptionResult>
  /**
   * Decrypts all values and deletes the keys. Then the database opens without encryption.
   * @throws ValidationError `encryption.required`
   */
  decrypt(): Promise<ReencryptionResult>
  /** Resolves when the work that goes over all users has ended; rejects with its error. */
  whenIdle(): Promise<void>
}

export interface RunningEncryption extends Encryption {
  /** Continues the work that an earlier process did not finish. */
  start(): void
  close(): Promise<void>
}

export interface EncryptionParts extends ReencryptionParts {
  readonly keyRing: KeyRing
  /** Called with the error of a re-encryption that no caller awaits. */
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
    if (!reencryption) return
    void this.#next(() => this.#reencryption(reencryption)).catch((error: unknown) => {
      // A close is no failure: the next opening resumes the work.
      if (!this.#closing.signal.aborted) this.#parts.failed(error)
    })
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
        throw failure('encryption.required', {
          what: 'A rotation of keys',
          problem: 'the values of this database are being decrypted',
        })
      if (to !== undefined) {
        if (!keyRing.use) throw invalidInput('to', 'this key ring itself chooses the key that wraps')
        await keyRing.use(to)
      }
      await checkKeyRing(storage, keyRing)
      return this.#reencryption(newReencryption(data ? 'data' : 'keys'))
    })
  }

  decrypt(): Promise<ReencryptionResult> {
    return this.#next(async () => this.#reencryption(newReencryption('decrypt')))
  }

  async whenIdle(): Promise<void> {
    await this.#running
  }

  async close(): Promise<void> {
    this.#closing.abort(failure('troupe.closed', { what: 'The re-encryption of all users' }))
    await this.#running.catch(() => {})
  }

  #next<Out>(run: () => Promise<Out>): Promise<Out> {
    const next = this.#running.then(run, run)
    this.#running = next
    // A caller that awaits it gets the error; others get it from `whenIdle`.
    next.catch(() => {})
    return next
  }

  async #reencryption(reencryption: Reencryption): Promise<ReencryptionResult> {
    const { state } = this.#parts.keys.encryptionState
    await this.#saveState({ state: reencryption.what === 'decrypt' ? 'decrypting' : state, reencryption })
    const result = await reencryptUsers(this.#parts, reencryption, this.#closing.signal)
    if (reencryption.what === 'data') {
      // After the data, so that a crash at any time leaves a state from which both are completed.
      const wrapped = await this.#reencryption(newReencryption('keys'))
      return { users: result.users, rows: result.rows + wrapped.rows }
    }
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
    throw failure('encryption.required', { what: 'A rotation of keys', problem: 'no key ring is configured' })
  },
  decrypt: async () => {
    throw failure('encryption.required', { what: 'Decryption of all values', problem: 'no key ring is configured' })
  },
  whenIdle: async () => {},
  start: () => {},
  close: async () => {},
}

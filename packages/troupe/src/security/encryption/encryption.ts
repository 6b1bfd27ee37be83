/** The public interface of encryption at rest, and its implementations with and without keys. */
import { checkFlag, checkOptions, failure, invalidInput } from '../../core/index.ts'
import { commitWork } from '../commit-work.ts'
import { checkKeyRing, encryptSecret, nameOfProbe, openSecret } from './check-key-ring.ts'
import { newKeyId } from './encrypt.ts'
import {
  changeEncryptionState,
  type EncryptionState,
  encryptionStatements,
  isRecorded,
  type Reencryption,
} from './encryption-state.ts'
import type { EncryptionKey, KeyRing } from './key-ring-port.ts'
import { nextUser } from './next-user.ts'
import { keyTable, type ReencryptionParts, type ReencryptionResult, reencryptUsers } from './reencrypt-users.ts'

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
 * Encryption at rest: its state, and the rotation of its keys while the troupe works. One rotation runs at a time, over all
 * processes; one that a crash interrupted continues when the database is opened again, or before the next rotation.
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
    void this.#next(() => this.#carryOut(reencryption)).catch((error: unknown) => {
      // A close is no failure: the next opening resumes the work.
      if (!this.#closing.signal.aborted) this.#parts.failed(error)
    })
  }

  async status(): Promise<EncryptionStatus> {
    const { keys, keyRing } = this.#parts
    // Another process may have changed it.
    const { stored = keys.encryptionState } = await this.#change(() => undefined)
    const { state, reencryption } = stored
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
      await this.#completeRecorded()
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
      return this.#begin(newReencryption(data ? 'data' : 'keys', keyRing.current))
    })
  }

  decrypt(): Promise<ReencryptionResult> {
    return this.#next(() => this.#begin(newReencryption('decrypt')))
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

  /** Completes the work that this or another process has begun. */
  async #completeRecorded(): Promise<void> {
    for (;;) {
      const { stored } = await this.#change(() => undefined)
      if (!stored?.reencryption) return
      await this.#carryOut(stored.reencryption)
    }
  }

  /** Records the work and does it, after work that is recorded already. */
  async #begin(reencryption: Reencryption): Promise<ReencryptionResult> {
    for (;;) {
      const { isChanged } = await this.#change((stored) =>
        stored && !stored.reencryption
          ? { state: reencryption.what === 'decrypt' ? 'decrypting' : stored.state, reencryption }
          : undefined,
      )
      if (isChanged) return this.#carryOut(reencryption)
      await this.#completeRecorded()
    }
  }

  /** Does the work that is recorded, with other processes that do it. */
  async #carryOut(reencryption: Reencryption): Promise<ReencryptionResult> {
    const { keyRing, storage } = this.#parts
    // Another process may have chosen the key.
    if (reencryption.to !== undefined && reencryption.to !== keyRing.current) await keyRing.use?.(reencryption.to)
    await checkKeyRing(storage, keyRing)
    const result = await reencryptUsers(this.#parts, reencryption, this.#closing.signal)
    if (reencryption.what === 'data') {
      // After the data, so that a crash at any time leaves a state from which both are completed.
      const keys: Reencryption = { ...reencryption, what: 'keys', after: '' }
      await this.#replace(reencryption, (stored) => ({ ...stored, reencryption: keys }))
      const wrapped = await this.#carryOut(keys)
      return { users: result.users, rows: result.rows + wrapped.rows }
    }
    if (reencryption.what === 'keys') await this.#forgetOldKeys()
    if (reencryption.what === 'decrypt') await this.#end(reencryption)
    else
      await this.#replace(reencryption, ({ state }) => ({
        state: reencryption.what === 'encrypt' ? 'encrypted' : state,
      }))
    return result
  }

  /** Replaces the recorded work; if another process has completed it, the state stays. */
  async #replace(reencryption: Reencryption, next: (stored: EncryptionState) => EncryptionState): Promise<void> {
    await this.#change((stored) => (stored && isRecorded(stored, reencryption) ? next(stored) : undefined))
  }

  async #change(next: Parameters<typeof changeEncryptionState>[1]): ReturnType<typeof changeEncryptionState> {
    const changed = await changeEncryptionState(this.#parts.storage, next)
    if (changed.stored) this.#parts.keys.encryptionState = changed.stored
    return changed
  }

  /**
   * Deletes the probes of keys that wrap no data key any more: the database opens without them. A process that wraps with
   * such a key stores its probe before.
   */
  async #forgetOldKeys(): Promise<void> {
    const { storage, keyRing, keys } = this.#parts
    await encryptSecret(storage, keyRing)
    const { remove } = encryptionStatements(storage.dialect)
    const old = (await checkKeyRing(storage, keyRing)).filter((id) => id !== keyRing.current)
    await commitWork(
      storage,
      old.map((id) => remove({ name: nameOfProbe(id) })),
    )
    if (old.length === 0) return
    // Other processes may have wrapped keys with an old one before its probe was deleted.
    for (let user = await nextUser(storage, [keyTable], ''); user !== undefined; ) {
      this.#closing.signal.throwIfAborted()
      await keys.rewrap(user)
      user = await nextUser(storage, [keyTable], user)
    }
  }

  async #end(reencryption: Reencryption): Promise<void> {
    const { storage, keyRing } = this.#parts
    await openSecret(storage, keyRing)
    const { remove } = encryptionStatements(storage.dialect)
    await commitWork(
      storage,
      (await checkKeyRing(storage, keyRing)).map((id) => remove({ name: nameOfProbe(id) })),
    )
    await this.#replace(reencryption, () => ({ state: 'off' }))
  }
}

const newReencryption = (what: Reencryption['what'], to?: string): Reencryption => ({
  ...{ what, after: '', id: newKeyId() },
  ...(to === undefined ? {} : { to }),
})

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

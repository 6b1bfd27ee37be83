/**
 * Encryption at rest as the host sees it: on or off, how far, and the rotation of its keys while everything runs. One sweep
 * at a time; one that a crash cut off goes on at the next opening.
 */
import { checkFlag, checkOptions, failure } from '../../core/index.ts'
import { newKeyId } from './cipher.ts'
import type { KeyRing, RingKey } from './key-ring-port.ts'
import { checkRing, openSecret, sealSecret } from './ring-check.ts'
import { commitWork, encryptionStatements, type Standing, type Sweep, writeStanding } from './standing.ts'
import { type SweeperParts, type Swept, sweepUsers } from './sweeper.ts'

export interface EncryptionStatus {
  readonly state: Standing['state']
  /** The id of the key of the ring that wraps now; absent without encryption. */
  readonly current?: string
  /** What goes over the users just now. */
  readonly sweep?: Sweep['what']
}

export interface RotateOptions {
  /** The key that wraps from now on: the id of one in the ring, or a new one, which must be in the configuration too. */
  readonly to?: string | RingKey
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
  rotate(options?: RotateOptions): Promise<Swept>
  /**
   * Makes everything plain again, and forgets the keys. From then on the database opens without encryption.
   * @throws ValidationError `encryption.required`
   */
  decrypt(): Promise<Swept>
  /** Resolves when what goes over the users has ended; rejects with what it failed with. */
  settled(): Promise<void>
}

export interface RunningEncryption extends Encryption {
  /** What an earlier process left undone goes on. */
  start(): void
  close(): Promise<void>
}

export interface EncryptionParts extends SweeperParts {
  readonly ring: KeyRing
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
    const { sweep } = this.#parts.keys.standing
    if (sweep) void this.#next(() => this.#sweep(sweep)).catch(this.#parts.failed)
  }

  async status(): Promise<EncryptionStatus> {
    const { keys, ring } = this.#parts
    const { state, sweep } = keys.standing
    return { state, ...(state === 'off' ? {} : { current: ring.current }), ...(sweep ? { sweep: sweep.what } : {}) }
  }

  async rotate(options: RotateOptions = {}): Promise<Swept> {
    checkOptions('rotate', options, ['to', 'data'])
    const { to, data = false } = options
    checkFlag('data', data)
    return this.#next(async () => {
      const { keys, ring, storage } = this.#parts
      if (keys.standing.state === 'off' || keys.standing.state === 'opening')
        throw failure('encryption.required', { what: 'A rotation of keys', problem: 'this database is made plain' })
      if (to !== undefined) {
        if (!ring.use)
          throw failure('validation.failed', { what: 'to', problem: 'this key ring decides by itself which key wraps' })
        await ring.use(to)
      }
      await checkRing(storage, ring)
      const wrapped = await this.#sweep(newSweep('keys'))
      if (!data) return wrapped
      const sealed = await this.#sweep(newSweep('data'))
      return { users: sealed.users, rows: wrapped.rows + sealed.rows }
    })
  }

  decrypt(): Promise<Swept> {
    return this.#next(async () => this.#sweep(newSweep('open')))
  }

  async settled(): Promise<void> {
    await this.#running
  }

  async close(): Promise<void> {
    this.#closing.abort(failure('troupe.closed', { what: 'Going over what is sealed' }))
    await this.#running.catch(() => {})
  }

  #next<Out>(run: () => Promise<Out>): Promise<Out> {
    const next = this.#running.then(run, run)
    this.#running = next
    // Who asked for it is told; who did not, asks by `settled`.
    next.catch(() => {})
    return next
  }

  async #sweep(sweep: Sweep): Promise<Swept> {
    const { state } = this.#parts.keys.standing
    await this.#stand({ state: sweep.what === 'open' ? 'opening' : state, sweep })
    const swept = await sweepUsers(this.#parts, sweep, this.#closing.signal)
    if (sweep.what === 'keys') await this.#forgetOldKeys()
    if (sweep.what === 'open') await this.#end()
    else await this.#stand({ state: sweep.what === 'seal' ? 'sealed' : state })
    return swept
  }

  async #stand(standing: Standing): Promise<void> {
    await writeStanding(this.#parts.storage, standing)
    this.#parts.keys.standing = standing
  }

  /** No data key is wrapped by them any more: the database opens without them. */
  async #forgetOldKeys(): Promise<void> {
    const { storage, ring } = this.#parts
    await sealSecret(storage, ring)
    const { remove } = encryptionStatements(storage.dialect)
    const old = (await checkRing(storage, ring)).filter((id) => id !== ring.current)
    await commitWork(
      storage,
      old.map((id) => remove({ name: `key:${id}` })),
    )
  }

  async #end(): Promise<void> {
    const { storage, ring } = this.#parts
    await openSecret(storage, ring)
    const { remove } = encryptionStatements(storage.dialect)
    await commitWork(
      storage,
      (await checkRing(storage, ring)).map((id) => remove({ name: `key:${id}` })),
    )
    await this.#stand({ state: 'off' })
  }
}

const newSweep = (what: Sweep['what']): Sweep => ({ what, after: '', id: newKeyId() })

/** There is no key ring. */
export const noEncryption: RunningEncryption = {
  status: async () => ({ state: 'off' }),
  rotate: async () => {
    throw failure('encryption.required', { what: 'A rotation of keys', problem: 'there is no key ring' })
  },
  decrypt: async () => {
    throw failure('encryption.required', { what: 'Making values plain', problem: 'there is no key ring' })
  },
  settled: async () => {},
  start: () => {},
  close: async () => {},
}

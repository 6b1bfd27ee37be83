/**
 * Whether changes are accepted, and the error for rejected ones.
 *
 * | from | to | when |
 * |---|---|---|
 * | open | full, failed | the writer failed, and a probe could not write |
 * | full, failed | full, failed | a later probe found another problem |
 * | full, failed | open | a probe has written |
 * | any | closed | the storage is closed: the last state |
 */
import { failure, type TroupeError } from '../../../core/index.ts'
import { Listeners } from '../../notifications/listeners.ts'
import type { StorageState } from '../../storage-port.ts'
import type { WriterFailure } from '../../writer-port.ts'

export class WriteState {
  readonly #location: string
  readonly #listeners = new Listeners<StorageState>()
  #current: StorageState = { state: 'open' }
  /** The reason why changes are rejected, while the state is `full` or `failed`. */
  #failure: WriterFailure | undefined

  /** @param location the path, for messages */
  constructor(location: string) {
    this.#location = location
  }

  get current(): StorageState {
    return this.#current
  }

  get isOpen(): boolean {
    return this.#current.state === 'open'
  }

  get isClosed(): boolean {
    return this.#current.state === 'closed'
  }

  /** @returns a function that removes the listener */
  on(listener: (state: StorageState) => void): () => void {
    return this.#listeners.on(listener)
  }

  /** @throws if changes are not accepted: CancelledError `troupe.closed`, or the error of the failure */
  check(): void {
    if (this.isClosed) throw failure('troupe.closed', { what: 'A change' })
    if (this.#failure) throw this.errorOf(this.#failure)
  }

  /** Returns the error of a change that a failure of the writer rejects. */
  errorOf({ problem, message }: WriterFailure): TroupeError {
    const path = this.#location
    if (problem === 'full') return failure('storage.full', { path })
    if (problem === 'corrupt') return failure('storage.corrupt', { path, problem: message })
    if (problem === 'read_only') return failure('storage.read_only', { path, problem: message })
    return failure('storage.io', { path, problem: message })
  }

  fail(found: WriterFailure): void {
    if (this.isClosed) return
    this.#failure = found
    this.#set({ state: found.problem === 'full' ? 'full' : 'failed', problem: this.errorOf(found).message })
  }

  reopen(): void {
    if (this.isClosed) return
    this.#failure = undefined
    this.#set({ state: 'open' })
  }

  close(): void {
    this.#set({ state: 'closed' })
    this.#listeners.clear()
  }

  #set(state: StorageState): void {
    if (this.#current.state === state.state && this.#current.problem === state.problem) return
    this.#current = state
    this.#listeners.notify(state)
  }
}

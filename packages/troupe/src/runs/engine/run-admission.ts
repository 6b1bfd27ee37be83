/**
 * Whether this process accepts a call for a run: open, then draining (no run starts or is claimed), then closed. A user who
 * is being erased is rejected in each state.
 */
import { failure, type UserId } from '../../core/index.ts'
import type { OrchestraParts } from './orchestra-parts.ts'

type AdmissionState = 'open' | 'draining' | 'closed'

export class RunAdmission {
  readonly #gate: OrchestraParts['settings']['gate']
  readonly #erasing = new Set<UserId>()
  #state: AdmissionState = 'open'

  constructor(gate: OrchestraParts['settings']['gate']) {
    this.#gate = gate
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }
  /** Whether no step starts any more. */
  get isDraining(): boolean {
    return this.#state !== 'open'
  }

  drain(): void {
    if (this.#state === 'open') this.#state = 'draining'
  }
  close(): void {
    this.#state = 'closed'
  }

  /** Rejects calls for the user until the returned function is called. */
  erase(user: UserId): () => void {
    this.#erasing.add(user)
    return () => void this.#erasing.delete(user)
  }

  /** @throws `troupe.closed`, `user.forgotten` */
  requireOpen(user: UserId): void {
    if (this.isClosed) throw failure('troupe.closed', { what: 'Using a run' })
    this.#requireUser(user)
  }

  /** @throws `troupe.draining`, the error of the gate, and the errors of `requireOpen` */
  requireNew(user: UserId, what = 'Starting a run'): void {
    if (this.isClosed) throw failure('troupe.closed', { what: 'Using a run' })
    if (this.isDraining) throw failure('troupe.draining', { what })
    const waiting = this.#gate?.waiting(what)
    if (waiting) throw waiting
    this.#requireUser(user)
  }

  /** Returns why a run that is not owned here cannot be claimed now. */
  claimRejection(run: string): Error | undefined {
    if (this.isDraining) return failure('troupe.closed', { what: `Claiming run ${run}` })
    return this.#gate?.waiting(`Claiming run ${run}`)
  }

  #requireUser(user: UserId): void {
    if (this.#erasing.has(user)) throw failure('user.forgotten', { user })
  }
}

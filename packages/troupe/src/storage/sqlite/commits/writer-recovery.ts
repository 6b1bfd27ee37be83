/**
 * Recovers from a failure of the writer: no change is acknowledged until a probe has written.
 *
 * | phase | next | when |
 * |---|---|---|
 * | ready | failed | a batch failed; the batches in flight are still to be answered |
 * | failed | probing | all are answered: a probe is sent at once |
 * | failed, probing | degraded | the disk is full, the writer is dead, or the probe failed: no change is accepted |
 * | degraded | probing | some time has passed, twice as long after each probe; never if the writer is dead |
 * | probing | ready | the probe has written |
 */
import type { Cancel, Clock } from '../../../core/index.ts'
import type { WriterFailure, WriterShell } from '../../writer-port.ts'
import type { ChangeAnswers } from './change-answers.ts'
import type { PendingChanges } from './pending-changes.ts'
import type { WriteState } from './write-state.ts'

export interface WriterRecoveryOptions {
  readonly shell: WriterShell
  readonly clock: Clock
  readonly state: WriteState
  readonly pending: PendingChanges
  readonly answers: ChangeAnswers
  /** Called when a delayed probe is answered. */
  readonly probed: () => void
}

/** The delay in ms between probes, doubled from the first to the last. */
const probeAfter = { first: 100, last: 10_000 }

export class WriterRecovery {
  readonly #options: WriterRecoveryOptions
  #phase: 'ready' | 'failed' | 'probing' | 'degraded' = 'ready'
  /** The last failure of the batches in flight. */
  #failure: WriterFailure | undefined
  #cancelProbe: Cancel | undefined

  constructor(options: WriterRecoveryOptions) {
    this.#options = options
  }

  /** Whether no batch may be sent. While degraded no change is accepted, so none waits. */
  get holdsBatches(): boolean {
    return this.#phase === 'failed' || this.#phase === 'probing'
  }

  /** Whether `recover` must be called when all batches in flight are answered. */
  get isNeeded(): boolean {
    return this.#phase === 'failed'
  }

  fail(found: WriterFailure): void {
    this.#phase = 'failed'
    this.#failure = found
  }

  /** Resolves when a probe is answered; no other request is in flight. */
  async recover(): Promise<void> {
    const found = this.#failure
    if (!found) return
    this.#failure = undefined
    // Texts of the failed batches may not have arrived.
    this.#options.pending.encoder.forget()
    // A full disk stays full for more than a moment; after other failures the first probe is sent at once.
    if (found.problem === 'full' || found.problem === 'dead') this.#degrade(found, probeAfter.first)
    else await this.#probe(probeAfter.first)
  }

  /** Sends no further probe. */
  close(): void {
    this.#cancelProbe?.()
  }

  /** @param after ms until the next probe if this one fails */
  async #probe(after: number): Promise<void> {
    this.#phase = 'probing'
    const reply = await this.#options.shell.send({ kind: 'probe' })
    if (!reply.ok) return this.#degrade(reply, after)
    this.#options.state.reopen()
    this.#phase = 'ready'
    this.#options.answers.endRejected()
  }

  #degrade(found: WriterFailure, after: number): void {
    const { state, pending, clock, probed } = this.#options
    this.#phase = 'degraded'
    pending.rejectAll(() => state.errorOf(found))
    state.fail(found)
    if (state.isClosed) return
    if (found.problem === 'dead') return
    const probe = () => void this.#probe(Math.min(after * 2, probeAfter.last)).then(probed)
    this.#cancelProbe = clock.after(after, probe, { background: true })
  }
}

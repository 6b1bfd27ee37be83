/**
 * The changes that wait for the writer, in the order of their commits, and the batches made of them.
 *
 * Invariant: a change is sent in exactly one batch, or is rejected.
 */
import { failure, type TroupeError } from '../../../core/index.ts'
import { checkChange } from '../../changes/check-change.ts'
import type { Change, CommitResult } from '../../storage-port.ts'
import type { Cell } from '../../writer-port.ts'
import { Encoder } from '../writer/encoder.ts'
import { isLarge } from './commit-large.ts'

export interface PendingChange {
  readonly change: Change
  readonly resolve: (result: CommitResult) => void
  readonly reject: (error: TroupeError) => void
  /** Whether it is sent separately, in slices. */
  readonly isLarge: boolean
}

export interface Batch {
  readonly group: readonly PendingChange[]
  readonly cells: readonly Cell[]
}

/** The maximum number of waiting changes; more are rejected, because they arrive faster than the disk accepts them. */
const maxPending = 65_536

export class PendingChanges {
  /** Tracks the texts that the writer has; large changes are encoded with it too. */
  readonly encoder = new Encoder()
  readonly #limits: { readonly changes: number; readonly cells: number }
  #waiting: PendingChange[] = []

  /** @param limits the changes or cells at which a batch is complete */
  constructor(limits: { readonly changes: number; readonly cells: number }) {
    this.#limits = limits
  }

  get first(): PendingChange | undefined {
    return this.#waiting[0]
  }

  /** Whether the waiting changes fill a batch. */
  get fillsBatch(): boolean {
    return this.#waiting.length >= this.#limits.changes
  }

  /** @throws CapacityError `storage.busy`; the errors of `checkChange` */
  add(pending: Omit<PendingChange, 'isLarge'>): void {
    if (this.#waiting.length >= maxPending) throw failure('storage.busy', { limit: maxPending })
    const isSliced = isLarge(pending.change)
    // A large change is checked slice by slice.
    if (!isSliced) checkChange(pending.change)
    this.#waiting.push({ ...pending, isLarge: isSliced })
  }

  /** Removes the first change, which is sent separately. */
  shift(): void {
    this.#waiting.shift()
  }

  /** Removes the changes of one batch from the front; a large change is never part of a batch. */
  nextBatch(): Batch {
    const cells: Cell[] = []
    const limits = this.#limits
    let count = 0
    while (count < this.#waiting.length && count < limits.changes && cells.length < limits.cells) {
      const pending = this.#waiting[count] as PendingChange
      if (pending.isLarge) break
      this.encoder.encode(pending.change, cells)
      count++
    }
    const group = this.#waiting.slice(0, count)
    this.#waiting = count === this.#waiting.length ? [] : this.#waiting.slice(count)
    return { group, cells }
  }

  /** @param errorOf makes an error for each change */
  rejectAll(errorOf: () => TroupeError): void {
    for (const { reject } of this.#waiting.splice(0)) reject(errorOf())
  }
}

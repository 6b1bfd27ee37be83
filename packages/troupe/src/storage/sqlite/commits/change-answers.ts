/**
 * Answers changes: reads see a change before its caller gets the result, and hints are announced afterwards.
 *
 * Invariant: observers are notified once of the end of each change that began: with its result, or after a failure of
 * the writer when a probe has written. Until then reads may see the remains of the failed change.
 */
import { failure, TroupeError } from '../../../core/index.ts'
import type { ChangeObservers } from '../../notifications/change-observers.ts'
import type { Hints } from '../../notifications/hints.ts'
import type { CommitResult } from '../../storage-port.ts'
import type { ReplyCell } from '../../writer-port.ts'
import { decodeResult, Invalid } from '../writer/decode-result.ts'
import type { PendingChange } from './pending-changes.ts'

export interface ChangeAnswersOptions {
  readonly hints: Hints
  readonly observers: ChangeObservers
  /** Called before changes are answered: from then on every read must see them, or none. */
  readonly answering: () => void
}

export class ChangeAnswers {
  readonly #options: ChangeAnswersOptions
  /** Rejected changes that reads may still see until a probe has written. */
  #rejected: readonly PendingChange[] = []

  constructor(options: ChangeAnswersOptions) {
    this.#options = options
  }

  /** Notifies the observers before the changes are sent. */
  begin(group: readonly PendingChange[]): void {
    this.#options.observers.begin(group)
  }

  /** @param cells the reply of the writer */
  answerBatch(group: readonly PendingChange[], cells: readonly ReplyCell[]): void {
    this.#end(group)
    const cursor = { cells, next: 0 }
    for (const pending of group) this.#answer(pending, decodeResult(cursor, pending.change))
    this.#options.hints.flush()
  }

  answerLarge(pending: PendingChange, result: CommitResult | Invalid | TroupeError): void {
    this.#end([pending])
    this.#answer(pending, result)
    this.#options.hints.flush()
  }

  /** @param errorOf makes an error for each change */
  reject(group: readonly PendingChange[], errorOf: () => TroupeError): void {
    for (const { reject } of group) reject(errorOf())
    this.#rejected = [...this.#rejected, ...group]
  }

  /**
   * Called after a probe has written: the remains of rejected changes are no longer visible. Those that were committed have
   * announced no hints.
   */
  endRejected(): void {
    const rejected = this.#rejected
    this.#rejected = []
    this.#end(rejected)
    this.#options.hints.forward([{ missed: true }])
  }

  #end(group: readonly PendingChange[]): void {
    this.#options.answering()
    this.#options.observers.endChanges(group)
  }

  #answer({ change, resolve, reject }: PendingChange, result: CommitResult | Invalid | TroupeError): void {
    if (result instanceof TroupeError) reject(result)
    else if (result instanceof Invalid)
      reject(failure('invariant.broken', { rule: `statements are valid (${result.message})` }))
    else {
      this.#options.hints.record(change, result)
      resolve(result)
    }
  }
}

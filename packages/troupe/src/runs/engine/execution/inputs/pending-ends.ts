/**
 * Ends of steps that wait to commit with the next change of their run. Invariant: each is answered exactly once, with the
 * result of the change that accepted it, or with undefined, whereupon the step commits its end alone.
 */
import type { CommitResult, Fragment, Statement } from '../../../../storage/index.ts'
import type { RunMessage } from '../../commands/run-message.ts'

export interface PendingEnd {
  readonly step: string
  /** The input for the run. */
  readonly message: RunMessage
  /** The statements that the step commits with its end. */
  readonly change: Fragment
  readonly answer: (result: CommitResult | undefined) => void
}

export class PendingEnds {
  readonly #waiting: PendingEnd[] = []

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  add(pendingEnd: Omit<PendingEnd, 'answer'>): Promise<CommitResult | undefined> {
    return new Promise((answer) => this.#waiting.push({ ...pendingEnd, answer }))
  }

  take(limit: number): readonly PendingEnd[] {
    return this.#waiting.splice(0, limit)
  }

  /** A change that took them was not committed: the next one takes them first. */
  putBack(pendingEnds: readonly PendingEnd[]): void {
    this.#waiting.unshift(...pendingEnds)
  }

  /** No later change of the run accepts ends. */
  leave(): void {
    for (const { answer } of this.#waiting.splice(0)) answer(undefined)
  }
}

/** The answer to a step that has ended for its run or that the run has cancelled. */
export const rejectedEnd: CommitResult = { ok: false, code: 'journal.lost', statement: 0, found: 0 }

export const statementsOfEnds = (pendingEnds: readonly PendingEnd[]): readonly Statement[] =>
  pendingEnds.flatMap(({ change }) => change.statements)

/**
 * Answers the ends that one change accepted. A rejection is the answer to the end that caused it. The others commit alone, so
 * that no step waits for more than one rejection of another step.
 * @param from the index of their first statement in the change
 * @returns true if one of them caused a rejection
 */
export function answerEnds(pendingEnds: readonly PendingEnd[], result: CommitResult, from: number): boolean {
  let start = from
  let isRejected = false
  for (const { change, answer } of pendingEnds) {
    const end = start + change.statements.length
    if (result.ok)
      answer({ ...result, rows: result.rows.slice(start, end), affected: result.affected.slice(start, end) })
    else if (result.statement >= start && result.statement < end) {
      isRejected = true
      answer({ ...result, statement: result.statement - start })
    } else answer(undefined)
    start = end
  }
  return isRejected
}

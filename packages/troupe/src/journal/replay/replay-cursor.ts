/**
 * Selects the next answer for the code. Invariant: answers are given in the order of the record, at the first execution and
 * in a replay. A call that is not in the record waits until all recorded answers are given. A call of a repeated turn waits
 * for its position in the failed turn.
 */
import { AnswerQueue } from './answer-queue.ts'
import type { CallId } from './call-id.ts'
import { OpenCalls } from './open-calls.ts'
import type { AnswerItem } from './step-record.ts'

/** The action of the next macrotask. */
export type CursorStep =
  | { readonly give: AnswerItem }
  /** Calls that were made out of order may begin. */
  | { readonly begin: readonly CallId[] }
  | 'nothing'

export class ReplayCursor {
  readonly #queue: AnswerQueue
  readonly #calls = new OpenCalls()
  #deferred: { readonly position: number; readonly id: CallId }[] = []
  /** Calls of a repeated turn that are in progress: the next items of the record come after them. */
  readonly #repeating = new Set<CallId>()
  /** For each call of a failed turn: the number of items that were given before it. */
  readonly #positions: ReadonlyMap<CallId, number>

  constructor(items: AnswerItem[], positions: ReadonlyMap<CallId, number>) {
    this.#queue = new AnswerQueue(items)
    this.#positions = positions
  }

  /** Returns the recorded or pending answer of a call. */
  find(id: CallId): AnswerItem | undefined {
    return this.#queue.find(id)
  }

  asked(id: CallId): boolean {
    return this.#calls.has(id)
  }

  /** Returns the items that are not given yet. */
  get remaining(): readonly AnswerItem[] {
    return this.#queue.remaining
  }

  get usedUp(): boolean {
    return this.#queue.usedUp
  }

  /** True if a call other than a wait is open, or an answer is pending. */
  get busy(): boolean {
    return this.#calls.areActive || this.#deferred.length > 0 || !this.#queue.isEmpty
  }

  /** True if `next` would give an answer or begin a call. */
  get due(): boolean {
    const { head } = this.#queue
    if (head?.consumed || this.#deferred.some((deferred) => this.#isDue(deferred))) return true
    return head?.ready === true && this.#isAsked(head) && !this.#isHeldBack(head)
  }

  ask(id: CallId, passive = false): Promise<unknown> {
    return this.#calls.open(id, passive)
  }

  setPassive(id: CallId, passive: boolean): void {
    this.#calls.setPassive(id, passive)
  }

  /**
   * Adds an answer. An answer of a repeated turn is inserted before the rest of the record.
   * @returns the index of an inserted answer; undefined for one at the end
   */
  push(item: AnswerItem): number | undefined {
    this.#repeating.delete(item.id)
    if (this.#positions.has(item.id) && !this.usedUp) return this.#queue.insert(item)
    this.#queue.push(item)
    return undefined
  }

  /**
   * Returns whether a call may begin now: all recorded answers are given, or the position of a call of the repeated turn is
   * reached. `next` returns a call that begins later.
   */
  whenInOrder(id: CallId): 'now' | 'later' {
    const position = this.#positions.get(id) ?? Number.POSITIVE_INFINITY
    if (this.#isDue({ position })) {
      if (!this.usedUp) this.#repeating.add(id)
      return 'now'
    }
    this.#deferred.push({ position, id })
    return 'later'
  }

  #isDue({ position }: { readonly position: number }): boolean {
    return this.usedUp || position <= this.#queue.passed
  }

  /** Returns the next action. The caller calls it again after `begin`, in the same macrotask. */
  next(): CursorStep {
    while (this.#queue.head?.consumed) this.#queue.advance()
    const begin = this.#release()
    if (begin.length > 0) return { begin }
    const { head } = this.#queue
    if (!head || this.#isHeldBack(head)) return 'nothing'
    return head.ready && this.#isAsked(head) ? { give: head } : 'nothing'
  }

  /** Returns the next item of the record if the code has not asked for it and waits for others. */
  get missing(): CallId | undefined {
    const { head } = this.#queue
    if (!head || this.usedUp || this.#calls.isEmpty) return undefined
    return head.consumed || this.#isAsked(head) || this.#isHeldBack(head) ? undefined : head.id
  }

  #isAsked(item: AnswerItem): boolean {
    return item.kind !== 'now' && this.#calls.has(item.id)
  }

  /** Settles the call of the item that `next` returned. */
  give(item: AnswerItem): void {
    this.#queue.advance()
    this.#calls.finish(item)
  }

  /** Returns true if answers of calls of the repeated turn come before the item. */
  #isHeldBack(item: AnswerItem): boolean {
    return this.#repeating.size > 0 && !this.usedUp && !this.#queue.isInserted(item)
  }

  /** Drops all pending answers. */
  end(): void {
    this.#repeating.clear()
    this.#deferred = []
    this.#queue.clear()
  }

  /** Rejects the open calls, so that code which is cancelled can clean up. */
  reject(reason: unknown): void {
    this.#calls.rejectAll(reason)
  }

  #release(): readonly CallId[] {
    const due = this.#deferred.filter((deferred) => this.#isDue(deferred))
    if (due.length === 0) return []
    this.#deferred = this.#deferred.filter((deferred) => !due.includes(deferred))
    for (const { id } of due) if (this.#positions.has(id)) this.#repeating.add(id)
    return due.map(({ id }) => id)
  }
}

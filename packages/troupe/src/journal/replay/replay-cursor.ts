/**
 * Decides which answer the code is given next. Invariant: answers are given in the order of the record, live and in a
 * replay alike. A call that is not in the record waits until the record is used up, and a call of a repeated turn until
 * its place.
 */
import type { CallId } from './call-id.ts'
import { type AnswerItem, finishCall } from './step-record.ts'

interface Call {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  /** Waits and bodies: they hold no process, so the step may park while they are open. */
  passive: boolean
}

/** The action of the next macrotask. */
export type CursorStep =
  | { readonly give: AnswerItem }
  /** Calls that were made out of order may begin. */
  | { readonly begin: readonly CallId[] }
  | 'nothing'

export class ReplayCursor {
  #items: AnswerItem[]
  #head = 0
  /** So many items came from the record; behind them the step is live. */
  #recorded: number
  readonly #byId = new Map<CallId, AnswerItem>()
  readonly #calls = new Map<CallId, Call>()
  #deferred: { readonly position: number; readonly id: CallId }[] = []
  /** The number of given items of the record. */
  #passed = 0
  /** Calls of a repeated turn that are in progress: the next items of the record come after them. */
  readonly #repeating = new Set<CallId>()
  /** Answers of such calls among the items. */
  readonly #inserted = new Set<AnswerItem>()
  /** Where calls of a turn that is repeated were: behind so many of the items. */
  readonly #positions: ReadonlyMap<CallId, number>
  #active = 0

  constructor(items: AnswerItem[], positions: ReadonlyMap<CallId, number>) {
    this.#items = items
    this.#recorded = items.length
    this.#positions = positions
    for (const item of items) this.#byId.set(item.id, item)
  }

  /** Finds an item of the record, or one that is not given yet. */
  find(id: CallId): AnswerItem | undefined {
    return this.#byId.get(id)
  }

  asked(id: CallId): boolean {
    return this.#calls.has(id)
  }

  /** Returns the items that are not given yet. */
  get remaining(): readonly AnswerItem[] {
    return this.#items.slice(this.#head)
  }

  get usedUp(): boolean {
    return this.#head >= this.#recorded
  }

  /** Calls are open that are no waits, or answers are on their way. */
  get busy(): boolean {
    return this.#active > 0 || this.#deferred.length > 0 || this.#head < this.#items.length
  }

  /** `next` would give an answer, or begin a call. */
  get due(): boolean {
    const item = this.#items[this.#head]
    if (item?.consumed || this.#deferred.some((deferred) => this.#isDue(deferred))) return true
    return item?.ready === true && this.#isAsked(item) && !this.#isHeldBack(item)
  }

  ask(id: CallId, passive = false): Promise<unknown> {
    const promise = new Promise<unknown>((resolve, reject) => this.#calls.set(id, { resolve, reject, passive }))
    // The code may not listen when the call fails: the error is in the record all the same.
    promise.catch(() => {})
    if (!passive) this.#active++
    return promise
  }

  setPassive(id: CallId, passive: boolean): void {
    const call = this.#calls.get(id)
    if (!call || call.passive === passive) return
    call.passive = passive
    this.#active += passive ? -1 : 1
  }

  /** @returns its place where that is not the end: an answer of a repeated turn comes before the rest of the record */
  push(item: AnswerItem): number | undefined {
    this.#byId.set(item.id, item)
    this.#repeating.delete(item.id)
    const position = this.#positions.has(item.id) && !this.usedUp ? this.#position() : undefined
    if (position === undefined) this.#items.push(item)
    else {
      this.#items.splice(position, 0, item)
      this.#inserted.add(item)
      this.#recorded++
    }
    return position
  }

  /** Before what the record holds next, behind other answers of the repeated turn. */
  #position(): number {
    let position = this.#head
    while (this.#inserted.has(this.#items[position] as AnswerItem)) position++
    return position
  }

  /**
   * Returns whether a call may begin now: the record is used up, or has reached the place of a call of the repeated
   * turn. A later one is returned by `next`.
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
    return this.usedUp || position <= this.#passed
  }

  /** After `begin` it is asked once more, in the same macrotask. */
  next(): CursorStep {
    while (this.#items[this.#head]?.consumed) this.#advance()
    const begin = this.#release()
    if (begin.length > 0) return { begin }
    const item = this.#items[this.#head]
    if (!item || this.#isHeldBack(item)) return 'nothing'
    return item.ready && this.#isAsked(item) ? { give: item } : 'nothing'
  }

  /** Returns the next item of the record if the code has not asked for it and waits for others. */
  get missing(): CallId | undefined {
    const item = this.#items[this.#head]
    if (!item || this.usedUp || this.#calls.size === 0) return undefined
    return item.consumed || this.#isAsked(item) || this.#isHeldBack(item) ? undefined : item.id
  }

  #isAsked(item: AnswerItem): boolean {
    return item.kind !== 'now' && this.#calls.has(item.id)
  }

  /** Settles the call of the item that `next` named. */
  give(item: AnswerItem): void {
    const call = this.#calls.get(item.id) as Call
    this.#advance()
    this.#calls.delete(item.id)
    if (!call.passive) this.#active--
    finishCall(item, call)
  }

  /** Answers of calls that are being repeated come before it. */
  #isHeldBack(item: AnswerItem): boolean {
    return this.#repeating.size > 0 && !this.usedUp && !this.#inserted.has(item)
  }

  /** No call is answered any more, and later results are dropped. */
  end(): void {
    this.#byId.clear()
    this.#repeating.clear()
    this.#deferred = []
    this.#reset()
  }

  /** Rejects the open calls, so that code which is cancelled can clean up. */
  reject(reason: unknown): void {
    for (const call of this.#calls.values()) call.reject(reason)
    this.#calls.clear()
  }

  #reset(): void {
    this.#items = []
    this.#head = 0
    this.#recorded = 0
  }

  #advance(): void {
    const item = this.#items[this.#head] as AnswerItem
    // A later item of the same call, as a reply drained from the inbox, must stay findable.
    if (this.#byId.get(item.id) === item) this.#byId.delete(item.id)
    this.#head++
    if (!this.#inserted.delete(item)) this.#passed++
    if (this.usedUp && this.#head === this.#items.length) this.#reset()
  }

  #release(): readonly CallId[] {
    const due = this.#deferred.filter((deferred) => this.#isDue(deferred))
    if (due.length === 0) return []
    this.#deferred = this.#deferred.filter((deferred) => !due.includes(deferred))
    for (const { id } of due) if (this.#positions.has(id)) this.#repeating.add(id)
    return due.map(({ id }) => id)
  }
}

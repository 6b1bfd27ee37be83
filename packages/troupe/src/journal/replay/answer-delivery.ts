/**
 * Gives answers to the calls of one life of a step: one per macrotask, in the order of the log, live and on re-entry
 * alike. What is not in the log waits until the log is used up.
 */
import { type Clock, WorkTimer } from '../../core/index.ts'
import type { CallId } from './call-id.ts'
import { type AnswerItem, finishCall } from './step-log.ts'

interface Call {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  /** Waits and bodies: they hold no process, so the step may park while they are open. */
  passive: boolean
}

export interface AnswerDeliveryOptions {
  readonly clock: Clock
  readonly items: AnswerItem[]
  /** Where calls of a turn that is repeated stood: behind so many of the items. */
  readonly positions: ReadonlyMap<CallId, number>
  /** ms for which an answer of the log may stand unasked for while other calls wait behind it. */
  readonly stallMs: number
  readonly onStalled: (id: CallId) => void
  /** Just before its call is settled with it. */
  readonly onDelivered: (item: AnswerItem) => void
  /** Whenever nothing is left to deliver, or a call was settled. */
  readonly onIdle: () => void
}

export class AnswerDelivery {
  readonly #options: AnswerDeliveryOptions
  #items: AnswerItem[]
  #head = 0
  /** So many items came from the log; behind them the step is live. */
  #logged: number
  #byId = new Map<CallId, AnswerItem>()
  readonly #calls = new Map<CallId, Call>()
  #deferred: { readonly position: number; readonly id: CallId; readonly run: () => void }[] = []
  /** Of the items that came from the log, those that were delivered. */
  #passed = 0
  /** Calls of a repeated turn that are being asked again: what the log holds next comes after them. */
  readonly #repeating = new Set<CallId>()
  /** Answers of such calls among the items. */
  readonly #inserted = new Set<AnswerItem>()
  #scheduled = false
  #over = false
  #active = 0
  #stall: WorkTimer | undefined

  constructor(options: AnswerDeliveryOptions) {
    this.#options = options
    this.#items = options.items
    this.#logged = options.items.length
    for (const item of options.items) this.#byId.set(item.id, item)
  }

  /** Of the log, or not yet delivered. */
  find(id: CallId): AnswerItem | undefined {
    return this.#byId.get(id)
  }

  asked(id: CallId): boolean {
    return this.#calls.has(id)
  }

  get head(): number {
    return this.#head
  }

  get items(): readonly AnswerItem[] {
    return this.#items
  }

  get usedUp(): boolean {
    return this.#head >= this.#logged
  }

  /** Calls that are open and no waits. */
  get active(): number {
    return this.#active
  }

  /** Such calls, or answers on their way. */
  get busy(): boolean {
    return this.#active > 0 || this.#deferred.length > 0 || this.#head < this.#items.length
  }

  /** There is something that the next macrotask gives. */
  get deliverable(): boolean {
    const item = this.#items[this.#head]
    return item?.ready === true && (item.consumed || this.#calls.has(item.id))
  }

  ask(id: CallId, passive = false): Promise<unknown> {
    const promise = new Promise<unknown>((resolve, reject) => this.#calls.set(id, { resolve, reject, passive }))
    // Nobody may be listening when it fails: it is in the record all the same.
    promise.catch(() => {})
    if (!passive) this.#active++
    if (this.#head < this.#items.length) this.requestRun()
    return promise
  }

  setPassive(id: CallId, passive: boolean): void {
    const call = this.#calls.get(id)
    if (!call || call.passive === passive) return
    call.passive = passive
    this.#active += passive ? -1 : 1
    this.#options.onIdle()
  }

  /** @returns its place where that is not the end: an answer of a repeated turn comes before what the log still holds */
  push(item: AnswerItem): number | undefined {
    if (this.#over) return undefined
    this.#byId.set(item.id, item)
    this.#repeating.delete(item.id)
    const position = this.#options.positions.has(item.id) && !this.usedUp ? this.#position() : undefined
    if (position === undefined) this.#items.push(item)
    else {
      this.#items.splice(position, 0, item)
      this.#inserted.add(item)
      this.#logged++
    }
    this.requestRun()
    return position
  }

  /** Before what the log holds next, behind other answers of the repeated turn. */
  #position(): number {
    let position = this.#head
    while (this.#inserted.has(this.#items[position] as AnswerItem)) position++
    return position
  }

  /** Runs when the log is used up, or a call of a repeated turn when the log is where it was called at first. */
  whenInOrder(id: CallId, run: () => void): void {
    const position = this.#options.positions.get(id) ?? Number.POSITIVE_INFINITY
    if (this.usedUp) run()
    else if (this.#passed >= position) this.#begin(id, run)
    else {
      this.#deferred.push({ position, id, run })
      this.requestRun()
    }
  }

  #begin(id: CallId, run: () => void): void {
    if (this.#options.positions.has(id)) this.#repeating.add(id)
    run()
  }

  requestRun(): void {
    if (this.#scheduled || this.#over) return
    this.#scheduled = true
    this.#options.clock.soon(() => {
      this.#scheduled = false
      if (!this.#over) this.#deliver()
    })
  }

  /**
   * No call is answered any more.
   * @param rejection rejects those that are open, so that code which is cancelled can clean up; without it they never settle
   */
  end(rejection?: unknown): void {
    this.#over = true
    this.#stall?.stop()
    if (rejection !== undefined) for (const call of this.#calls.values()) call.reject(rejection)
    this.#calls.clear()
    this.#byId.clear()
    this.#deferred = []
    this.#items = []
  }

  #deliver(): void {
    this.#stall?.stop()
    this.#stall = undefined
    while (this.#items[this.#head]?.consumed) this.#advance()
    this.#release()
    if (this.#repeating.size > 0 && !this.usedUp && !this.#inserted.has(this.#items[this.#head] as AnswerItem)) return
    const item = this.#items[this.#head]
    if (!item) {
      this.#options.onIdle()
      return
    }
    const call = item.kind === 'now' ? undefined : this.#calls.get(item.id)
    if (call && item.ready) {
      this.#advance()
      this.#calls.delete(item.id)
      if (!call.passive) this.#active--
      this.#options.onDelivered(item)
      finishCall(item, call)
      this.requestRun()
      return
    }
    if (this.usedUp) this.#options.onIdle()
    else if (!call) this.#watch(item.id)
  }

  #advance(): void {
    const item = this.#items[this.#head] as AnswerItem
    // A later item of the same call, as a reply drained from the inbox, must stay findable.
    if (this.#byId.get(item.id) === item) this.#byId.delete(item.id)
    this.#head++
    if (!this.#inserted.delete(item)) this.#passed++
    if (this.usedUp && this.#head === this.#items.length) {
      this.#items = []
      this.#head = 0
      this.#logged = 0
    }
  }

  #release(): void {
    if (this.#deferred.length === 0) return
    const due = this.#deferred.filter(({ position }) => this.usedUp || position <= this.#passed)
    this.#deferred = this.#deferred.filter((deferred) => !due.includes(deferred))
    for (const { id, run } of due) this.#begin(id, run)
  }

  /**
   * Code that never asks for what the log holds next, while it waits for something else, is another code. The process stays
   * until that is known: somebody may wait for the run alone.
   */
  #watch(id: CallId): void {
    if (this.#calls.size === 0) return
    const { clock, stallMs, onStalled } = this.#options
    this.#stall = new WorkTimer(clock, stallMs, () => onStalled(id))
  }
}

/** The answers that a step is given, in their order: first those of its record, then those that come while it is live. */
import type { CallId } from './call-id.ts'
import type { AnswerItem } from './step-record.ts'

export class AnswerQueue {
  #items: AnswerItem[]
  #head = 0
  /** So many items came from the record; behind them the step is live. */
  #recorded: number
  readonly #byId = new Map<CallId, AnswerItem>()
  /** Answers of a repeated turn, which come before the rest of the record. */
  readonly #inserted = new Set<AnswerItem>()
  /** The number of given items of the record. */
  #passed = 0

  constructor(items: AnswerItem[]) {
    this.#items = items
    this.#recorded = items.length
    for (const item of items) this.#byId.set(item.id, item)
  }

  /** Finds an item of the record, or one that is not given yet. */
  find(id: CallId): AnswerItem | undefined {
    return this.#byId.get(id)
  }
  /** The item that is given next. */
  get head(): AnswerItem | undefined {
    return this.#items[this.#head]
  }
  /** The items that are not given yet. */
  get remaining(): readonly AnswerItem[] {
    return this.#items.slice(this.#head)
  }
  get isEmpty(): boolean {
    return this.#head >= this.#items.length
  }
  /** Whether each item of the record was given. */
  get usedUp(): boolean {
    return this.#head >= this.#recorded
  }
  get passed(): number {
    return this.#passed
  }
  isInserted(item: AnswerItem): boolean {
    return this.#inserted.has(item)
  }

  push(item: AnswerItem): void {
    this.#byId.set(item.id, item)
    this.#items.push(item)
  }

  /**
   * Inserts an item before what the record holds next, behind other answers of the repeated turn.
   * @returns its place
   */
  insert(item: AnswerItem): number {
    let position = this.#head
    while (this.#inserted.has(this.#items[position] as AnswerItem)) position++
    this.#byId.set(item.id, item)
    this.#items.splice(position, 0, item)
    this.#inserted.add(item)
    this.#recorded++
    return position
  }

  advance(): void {
    const item = this.#items[this.#head] as AnswerItem
    // A later item of the same call, as a reply drained from the inbox, must stay findable.
    if (this.#byId.get(item.id) === item) this.#byId.delete(item.id)
    this.#head++
    if (!this.#inserted.delete(item)) this.#passed++
    if (this.usedUp && this.isEmpty) this.#reset()
  }

  clear(): void {
    this.#byId.clear()
    this.#reset()
  }

  #reset(): void {
    this.#items = []
    this.#head = 0
    this.#recorded = 0
  }
}

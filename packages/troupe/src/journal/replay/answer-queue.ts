/** The answers for the code of a step, in their order: first the recorded ones, then those of this execution. */
import type { CallId } from './call-id.ts'
import type { AnswerItem } from './step-record.ts'

export class AnswerQueue {
  #items: AnswerItem[]
  #head = 0
  /** The index after the last recorded item. */
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

  /** Returns the recorded or pending item of a call. */
  find(id: CallId): AnswerItem | undefined {
    return this.#byId.get(id)
  }
  /** The next item. */
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
   * Inserts an item before the rest of the record and after other answers of the repeated turn.
   * @returns the index of the item
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
    // A call can have a later item, such as a reply from the inbox, which `find` must still return.
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

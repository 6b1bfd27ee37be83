/** A working memory: a few items, the most important ones. */
import { checkFunction, checkOptions, checkPredicate, invalidInput, show } from '../../core/index.ts'
import { checkInteger } from '../../resilience/index.ts'

/** An item of a working memory. */
export interface WorkingItem<T> {
  /** The content as it was added. */
  readonly content: T
  /** The importance: a higher number is more important. */
  readonly priority: number
}

/**
 * A few items in the memory of this process: those with the highest priority. The capacity is 7 by default (Miller, "The
 * Magical Number Seven", 1956).
 * @example const memory = new WorkingMemory<string>(); memory.add('the deadline is Friday', { priority: 5 })
 */
export class WorkingMemory<T = unknown> {
  /** The highest number of items. */
  readonly capacity: number
  #items: WorkingItem<T>[] = []

  /** @param options.capacity the highest number of items; 7 by default */
  constructor(options: { readonly capacity?: number } = {}) {
    checkOptions('WorkingMemory', options, ['capacity'])
    this.capacity = checkInteger('WorkingMemory', 'capacity', options.capacity ?? 7)
  }

  /**
   * Adds an item. If the memory is full, the least important item is removed, among equals the oldest.
   * @param options.priority a higher number is more important; 0 by default
   * @returns the item that was removed, which may be the new one; undefined if none was
   * @throws ValidationError for a priority that is not a finite number
   */
  add(content: T, options: { readonly priority?: number } = {}): WorkingItem<T> | undefined {
    checkOptions('add', options, ['priority'])
    const { priority = 0 } = options
    if (!Number.isFinite(priority))
      throw invalidInput('The priority of a memory', `it is ${show(priority)}, not a number`)
    // The items are sorted: more important first, among equals the newer first.
    const index = this.#items.findIndex((item) => item.priority <= priority)
    this.#items.splice(index === -1 ? this.#items.length : index, 0, { content, priority })
    return this.#items.length > this.capacity ? this.#items.pop() : undefined
  }

  /** Returns the items in descending order of priority; among equals the newest is first. */
  items(): readonly WorkingItem<T>[] {
    return [...this.#items]
  }

  /**
   * Removes the items for whose content the function returns true, and returns their number.
   * @throws ValidationError if the function returns anything but a boolean
   */
  forget(matches: (content: T) => boolean): number {
    checkFunction('The argument of forget', matches)
    const before = this.#items.length
    this.#items = this.#items.filter(({ content }) => !checkPredicate('The argument of forget', matches(content)))
    return before - this.#items.length
  }

  /** The number of items. */
  get size(): number {
    return this.#items.length
  }

  /** Removes all items. */
  clear(): void {
    this.#items = []
  }
}

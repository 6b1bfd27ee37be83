/** What an agent has in mind: few things, the most important ones. */
import { checkFunction, checkOptions, checkPredicate, failure, show } from '../../core/index.ts'
import { checkInteger } from '../../resilience/index.ts'

export interface WorkingItem<T> {
  readonly content: T
  readonly priority: number
}

/**
 * Seven things by default (Miller, "The Magical Number Seven", 1956). A new thing pushes out the least important one, of
 * equals the oldest.
 * @example const memory = new WorkingMemory<string>(); memory.add('the deadline is Friday', { priority: 5 })
 */
export class WorkingMemory<T = unknown> {
  readonly capacity: number
  #items: WorkingItem<T>[] = []

  /** @param options.capacity things at most, 7 by default */
  constructor(options: { readonly capacity?: number } = {}) {
    checkOptions('WorkingMemory', options, ['capacity'])
    this.capacity = checkInteger('WorkingMemory', 'capacity', options.capacity ?? 7)
  }

  /**
   * @param options.priority higher is more important; 0 by default
   * @returns what had to go, which may be the new thing itself
   */
  add(content: T, options: { readonly priority?: number } = {}): WorkingItem<T> | undefined {
    checkOptions('add', options, ['priority'])
    const { priority = 0 } = options
    if (!Number.isFinite(priority))
      throw failure('validation.failed', {
        what: 'The priority of a memory',
        problem: `it is ${show(priority)}, not a number`,
      })
    // Kept sorted: more important first, of equals the newer first.
    const index = this.#items.findIndex((item) => item.priority <= priority)
    this.#items.splice(index === -1 ? this.#items.length : index, 0, { content, priority })
    return this.#items.length > this.capacity ? this.#items.pop() : undefined
  }

  /** The most important first, of equals the newest. */
  items(): readonly WorkingItem<T>[] {
    return [...this.#items]
  }

  /** @returns how many were forgotten */
  forget(matches: (content: T) => boolean): number {
    checkFunction('What forget was given', matches)
    const before = this.#items.length
    this.#items = this.#items.filter(({ content }) => !checkPredicate('What forget was given', matches(content)))
    return before - this.#items.length
  }

  get size(): number {
    return this.#items.length
  }

  clear(): void {
    this.#items = []
  }
}

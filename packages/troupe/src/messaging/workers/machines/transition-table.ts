/** The allowed transitions of a state machine, in memory or durable. */
import { checkFunction, failure, invalidInput, isPlainObject, listOf, readable, show } from '../../../core/index.ts'

/** A change of state. */
export interface Transition<State extends string> {
  /** The state before the change. */
  readonly from: State
  /** The state after the change. */
  readonly to: State
}

/**
 * The states to which each state may change; a final state has none. The keys are the states, so the compiler finds a
 * misspelled one.
 */
export type Transitions<State extends string> = Readonly<Partial<Record<State, readonly NoInfer<State>[]>>>

export class TransitionTable<State extends string> {
  readonly #next: ReadonlyMap<string, readonly State[]>

  constructor(transitions: Transitions<State>) {
    if (!isPlainObject(transitions)) throw invalidInput('transitions', 'they must be an object of lists of states')
    const entries = readable('transitions', () => Object.entries(transitions)) as [string, readonly State[]][]
    for (const [from, to] of entries) {
      const what = `The transitions from ${from}`
      for (const state of listOf(what, to))
        if (typeof state !== 'string') throw invalidInput(what, `${show(state)} is not a text`)
    }
    this.#next = new Map(entries.map(([from, to]) => [from, [...to]]))
  }
  names(state: string): boolean {
    return this.#next.has(state) || [...this.#next.values()].some((to) => (to as readonly string[]).includes(state))
  }
  can(from: State, to: State): boolean {
    return this.#next.get(from)?.includes(to) ?? false
  }
  /** @throws InvalidTransitionError */
  require(from: State, to: State): Transition<State> {
    if (this.can(from, to)) return Object.freeze({ from, to })
    const allowed = this.#next.get(from)?.join(', ') || 'nowhere, it is final'
    throw failure('transition.invalid', { from, to: show(to), allowed })
  }
}

/** The observers of transitions. All are notified before the first error of an observer is thrown. */
export class Observers<State extends string> {
  readonly #observers = new Set<(change: Transition<State>) => void>()

  on(event: 'change', observer: (change: Transition<State>) => void): () => void {
    if (event !== 'change') throw failure('option.unknown', { where: 'on', option: show(event), nearest: 'change' })
    checkFunction('The observer of a change', observer)
    const own = (change: Transition<State>) => observer(change)
    this.#observers.add(own)
    return () => void this.#observers.delete(own)
  }
  notify(change: Transition<State>): void {
    const errors: unknown[] = []
    for (const observer of this.#observers)
      try {
        observer(change)
      } catch (error) {
        errors.push(error)
      }
    if (errors.length > 0) throw errors[0]
  }
}

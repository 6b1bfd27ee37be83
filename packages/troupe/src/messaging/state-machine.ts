/** A state machine: what is not in its table of transitions does not happen. */
import { checkOptions, failure } from '../core/index.ts'

export interface Transition<State extends string> {
  readonly from: State
  readonly to: State
}

export interface StateMachineOptions<State extends string> {
  readonly initial: NoInfer<State>
  /** From each state, those it may go to. A state that is only gone to is final. */
  readonly transitions: Readonly<Partial<Record<State, readonly NoInfer<State>[]>>>
}

/**
 * @throws ValidationError when `initial` is in no transition
 * @example
 * const machine = new StateMachine({ initial: 'idle', transitions: { idle: ['busy'], busy: ['idle', 'failed'] } })
 * machine.transition('busy')
 */
export class StateMachine<State extends string = string> {
  readonly #transitions: ReadonlyMap<string, readonly State[]>
  readonly #history: Transition<State>[] = []
  readonly #observers = new Set<(change: Transition<State>) => void>()
  #state: State

  constructor(options: StateMachineOptions<State>) {
    checkOptions('StateMachine', options, ['initial', 'transitions'])
    const entries = Object.entries(options.transitions) as [string, readonly State[]][]
    this.#transitions = new Map(entries.map(([from, to]) => [from, [...to]]))
    this.#state = options.initial
    if (!entries.some(([from, to]) => from === options.initial || to.includes(options.initial)))
      throw failure('validation.failed', { what: 'initial', problem: `no transition names ${options.initial}` })
  }
  get state(): State {
    return this.#state
  }
  /** Every transition made, oldest first. */
  get history(): readonly Transition<State>[] {
    return [...this.#history]
  }
  can(to: State): boolean {
    return this.#transitions.get(this.#state)?.includes(to) ?? false
  }
  /**
   * @returns the new state
   * @throws InvalidTransitionError; the state stays as it was
   */
  transition(to: State): State {
    const from = this.#state
    if (!this.can(to)) {
      const allowed = this.#transitions.get(from)?.join(', ') || 'nowhere, it is final'
      throw failure('transition.invalid', { from, to: String(to), allowed })
    }
    this.#state = to
    const change = Object.freeze({ from, to })
    this.#history.push(change)
    // An observer that throws is told to whoever made the transition, after all others have heard.
    const errors: unknown[] = []
    for (const observer of this.#observers)
      try {
        observer(change)
      } catch (error) {
        errors.push(error)
      }
    if (errors.length > 0) throw errors[0]
    return to
  }
  /** @returns a function that ends the observation */
  on(event: 'change', observer: (change: Transition<State>) => void): () => void {
    if (event !== 'change')
      throw failure('option.unknown', { where: 'StateMachine.on', option: String(event), nearest: 'change' })
    const own = (change: Transition<State>) => observer(change)
    this.#observers.add(own)
    return () => void this.#observers.delete(own)
  }
}

/** A state machine, which rejects transitions that its table does not have. */
import { checkOptions, invalidInput, show } from '../../../core/index.ts'
import { DurableStateMachine, type DurableStateMachineOptions } from './durable-state-machine.ts'
import { Observers, type Transition, type Transitions, TransitionTable } from './transition-table.ts'

/** The options of a `StateMachine`. */
export interface StateMachineOptions<State extends string> {
  /** The state at the start. */
  readonly initial: NoInfer<State>
  /** The states to which each state may change. */
  readonly transitions: Transitions<State>
}

/** Transitions that a machine remembers. */
const remembered = 1_000

/**
 * A state machine in the memory of this process. Transitions that its table does not have are rejected.
 * @throws ValidationError when `initial` is in no transition
 * @example
 * const machine = new StateMachine({ initial: 'idle', transitions: { idle: ['busy'], busy: ['idle', 'failed'], failed: [] } })
 * machine.transition('busy')
 */
export class StateMachine<State extends string = string> {
  readonly #table: TransitionTable<State>
  readonly #history: Transition<State>[] = []
  readonly #observers = new Observers<State>()
  #state: State

  constructor(options: StateMachineOptions<State>) {
    checkOptions('StateMachine', options, ['initial', 'transitions'])
    this.#table = new TransitionTable(options.transitions)
    this.#state = options.initial
    if (!this.#table.names(options.initial))
      throw invalidInput('initial', `${show(options.initial)} is in no transition`)
  }

  /**
   * Opens a state machine whose state is an entry of the context mesh, so that it outlives the process. Each transition
   * is checked against the stored state.
   * @throws ValidationError if the entry holds no state of these transitions, AccessDeniedError
   * @example
   * const order = await StateMachine.open({ context: support.context, key: 'orders.17.state', initial: 'open',
   * transitions: { open: ['paid'], paid: [] } })
   * await order.transition('paid')
   */
  static open<State extends string>(options: DurableStateMachineOptions<State>): Promise<DurableStateMachine<State>> {
    return DurableStateMachine.open(options)
  }

  /** The present state. */
  get state(): State {
    return this.#state
  }
  /** The last 1,000 transitions, the oldest first. */
  get history(): readonly Transition<State>[] {
    return [...this.#history]
  }
  /** Returns true if the present state may change to `to`. */
  can(to: State): boolean {
    return this.#table.can(this.#state, to)
  }
  /**
   * Changes the state and returns it.
   * @throws InvalidTransitionError if the present state may not change to `to`; the error of an observer, after the
   * change
   */
  transition(to: State): State {
    const change = this.#table.require(this.#state, to)
    this.#state = to
    this.#history.push(change)
    if (this.#history.length > remembered) this.#history.shift()
    this.#observers.notify(change)
    return to
  }
  /**
   * Calls the observer after each transition.
   * @returns a function that removes the observer
   */
  on(event: 'change', observer: (change: Transition<State>) => void): () => void {
    return this.#observers.on(event, observer)
  }
}

/** A state machine: what is not in its table of transitions does not happen. */
import { checkOptions, failure, show } from '../../core/index.ts'
import { DurableStateMachine, type DurableStateMachineOptions } from './durable-state-machine.ts'
import { Observers, type Transition, type Transitions, TransitionTable } from './transition-table.ts'

export interface StateMachineOptions<State extends string> {
  readonly initial: NoInfer<State>
  readonly transitions: Transitions<State>
}

/** Transitions that a machine remembers. */
const remembered = 1_000

/**
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
      throw failure('validation.failed', { what: 'initial', problem: `no transition names ${show(options.initial)}` })
  }

  /**
   * One whose state is an entry of the context: it outlives the process, and who changes it at the same time is told
   * where it is by then.
   * @example
   * const order = await StateMachine.open({ context: support.context, key: 'orders.17.state', initial: 'open', transitions: { open: ['paid'], paid: [] } })
   * await order.transition('paid')
   */
  static open<State extends string>(options: DurableStateMachineOptions<State>): Promise<DurableStateMachine<State>> {
    return DurableStateMachine.open(options)
  }

  get state(): State {
    return this.#state
  }
  /** The last 1,000 transitions, oldest first. */
  get history(): readonly Transition<State>[] {
    return [...this.#history]
  }
  can(to: State): boolean {
    return this.#table.can(this.#state, to)
  }
  /**
   * @returns the new state
   * @throws InvalidTransitionError; the state stays as it was
   */
  transition(to: State): State {
    const change = this.#table.require(this.#state, to)
    this.#state = to
    this.#history.push(change)
    if (this.#history.length > remembered) this.#history.shift()
    this.#observers.notify(change)
    return to
  }
  /** @returns a function that ends the observation */
  on(event: 'change', observer: (change: Transition<State>) => void): () => void {
    return this.#observers.on(event, observer)
  }
}

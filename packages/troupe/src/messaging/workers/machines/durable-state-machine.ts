/**
 * A state machine that is an entry of the context mesh. Each transition is one `update` of the entry, so of two
 * concurrent transitions from one state only one happens. In a step, a transition is staged with the turn.
 */
import type { ContextClient, PushOptions } from '../../../context/index.ts'
import { checkOptions, endable, invalidInput, type Json, TroupeError } from '../../../core/index.ts'
import { Observers, type Transition, type Transitions, TransitionTable } from './transition-table.ts'

/** The options of `StateMachine.open`. */
export interface DurableStateMachineOptions<State extends string> {
  /**
   * The context client with whose rights the entry is read and changed: `support.context`, or `ctx.context` in a
   * handler.
   */
  readonly context: Pick<ContextClient, 'get' | 'push' | 'update' | 'watch'>
  /** The key of the entry. */
  readonly key: string
  /** The state of a new entry. The state of an existing entry is not changed. */
  readonly initial: NoInfer<State>
  /** The states to which each state may change. */
  readonly transitions: Transitions<State>
  /** The options of the push that creates the entry; by default everyone may read it and its owner may change it. */
  readonly entry?: Omit<PushOptions, 'ifVersion' | 'signal'>
}

/**
 * The number of transitions that the entry stores; `context.history(key)` has all of them, with their authors and
 * times.
 */
const remembered = 100

/** The options of a push without `ifVersion` and `signal`, which have no effect here. */
const entryOptions = ['audience', 'subscribers', 'topics', 'writers', 'ttl', 'lifecycle', 'metadata', 'taint'] as const

interface StoredState<State extends string> {
  readonly state: State
  readonly history: readonly Transition<State>[]
}

/**
 * A state machine whose state is an entry of the context mesh. Each transition is checked against the stored state, so
 * of two concurrent transitions from one state only one happens.
 */
export class DurableStateMachine<State extends string = string> {
  readonly #options: DurableStateMachineOptions<State>
  readonly #table: TransitionTable<State>
  readonly #observers = new Observers<State>()
  #stored: StoredState<State>

  private constructor(
    options: DurableStateMachineOptions<State>,
    table: TransitionTable<State>,
    stored: StoredState<State>,
  ) {
    this.#options = options
    this.#table = table
    this.#stored = stored
  }

  /**
   * Opens the state machine of an entry, and creates the entry if it does not exist.
   * @throws ValidationError if the entry holds no state of these transitions, AccessDeniedError
   */
  static async open<State extends string>(
    options: DurableStateMachineOptions<State>,
  ): Promise<DurableStateMachine<State>> {
    checkOptions('StateMachine.open', options, ['context', 'key', 'initial', 'transitions', 'entry'])
    const { context, key, initial, transitions, entry = {} } = options
    checkOptions('StateMachine.open.entry', entry, entryOptions)
    if (typeof context?.update !== 'function')
      throw invalidInput('context', 'it is not a context of an agent or of a handler')
    const table = new TransitionTable(transitions)
    if (!table.names(initial)) throw invalidInput('initial', `${initial} is in no transition`)
    let found = await context.get(key)
    if (found === undefined) {
      found = { state: initial, history: [] }
      try {
        await context.push(key, found, { ...entry, ifVersion: 0 })
      } catch (error) {
        if (!(error instanceof TroupeError && error.code === 'context.conflict')) throw error
        found = await context.get(key)
      }
    }
    return new DurableStateMachine(options, table, readStoredState(table, key, found))
  }

  /** The last state that this object knows: after `open`, `refresh` and its own transitions. */
  get state(): State {
    return this.#stored.state
  }
  /** The last 100 transitions of the entry that this object knows, the oldest first. */
  get history(): readonly Transition<State>[] {
    return [...this.#stored.history]
  }
  /** Returns true if the state that this object knows may change to `to`. */
  can(to: State): boolean {
    return this.#table.can(this.state, to)
  }
  /** Reads the entry and returns its state. */
  async refresh(): Promise<State> {
    const { context, key } = this.#options
    this.#stored = readStoredState(this.#table, key, await context.get(key))
    return this.state
  }
  /**
   * Changes the state and returns it.
   * @throws InvalidTransitionError if the stored state may not change to `to`; AccessDeniedError
   */
  async transition(to: State): Promise<State> {
    const { context, key } = this.#options
    let made: Transition<State> | undefined
    const { value } = await context.update(key, (found) => {
      this.#stored = readStoredState(this.#table, key, found)
      made = this.#table.require(this.state, to)
      return { state: to, history: [...this.#stored.history, made].slice(-remembered) } as unknown as Json
    })
    this.#stored = readStoredState(this.#table, key, value)
    if (made) this.#observers.notify(made)
    return to
  }
  /**
   * Calls the observer after each transition of this object.
   * @returns a function that removes the observer
   */
  on(event: 'change', observer: (change: Transition<State>) => void): () => void {
    return this.#observers.on(event, observer)
  }
  /**
   * Yields each state to which the entry changes from now on, in every process. If the changes are no longer stored,
   * because the iteration is too slow, it yields the present state and continues from there. Not in a step.
   * @param options.signal ends the iteration
   */
  changes(options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<State> {
    checkOptions('changes', options, ['signal'])
    return endable(options.signal, (signal) => this.#changes(signal))
  }

  async *#changes(signal: AbortSignal): AsyncGenerator<State> {
    const { context, key } = this.#options
    for await (const item of context.watch({ pattern: key, signal })) {
      // After `resync`, changes may be missing before the present state.
      const isPut = item.type === 'put' && item.key === key
      const value = isPut ? item.value : item.type === 'resync' ? await context.get(key) : undefined
      if (value !== undefined) yield readStoredState(this.#table, key, value).state
    }
  }
}

function readStoredState<State extends string>(
  table: TransitionTable<State>,
  key: string,
  found: Json | undefined,
): StoredState<State> {
  const { state, history } = (found ?? {}) as { readonly state?: unknown; readonly history?: unknown }
  if (typeof state !== 'string' || !table.names(state) || !Array.isArray(history)) {
    const problem =
      found === undefined
        ? 'its entry was deleted, or this agent may not read it'
        : 'it holds no state that its transitions name'
    throw invalidInput(`The state machine ${key}`, problem)
  }
  return { state: state as State, history: history as Transition<State>[] }
}

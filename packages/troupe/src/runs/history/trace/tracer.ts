/**
 * Collects the trace of a run from `run.events()`, live or recorded: its path, the interactions of its agents, its
 * errors, and the states of its branches at each step.
 */

import { checkCall, checkFunction, checkOptions, fieldOf, invalidInput } from '../../../core/index.ts'
import type { CanonicalEdge } from '../../../topology/index.ts'
import type { NumberedEvent } from '../../engine/events/run-event.ts'
import { evolve } from '../../machine/evolve.ts'
import { createState } from '../../machine/state.ts'
import { viewOf } from '../../machine/state-view.ts'
import { stepsOf } from '../steps/steps-of.ts'
import { interactionsIn } from './interactions.ts'
import type { CapturedState, Trace, TracedError } from './run-trace.ts'
import { toMermaid, toText } from './trace-text.ts'

/** The options of a `Tracer`. */
export interface TracerOptions {
  /** Includes the values of interactions: inputs, answers and messages. True by default. */
  readonly messages?: boolean
  /** Includes the states of the branches at each start and end of a step. False by default. */
  readonly states?: boolean
}

const begins = new Set(['step.started', 'step.completed', 'step.failed'])

/**
 * Collects the trace of a run from its events, live or recorded: steps, interactions, errors and states.
 * @example
 * const tracer = await new Tracer({ states: true }).follow(run)
 * console.log(tracer.getTrace().executionPath.map(({ agent }) => agent), tracer.toText())
 */
export class Tracer {
  readonly #options: Required<TracerOptions>
  readonly #events: NumberedEvent[] = []
  readonly #state = createState()
  readonly #states: CapturedState[] = []
  #edges: readonly CanonicalEdge[] = []

  /** @throws ValidationError for an unknown option */
  constructor(options: TracerOptions = {}) {
    checkOptions('Tracer', options, ['messages', 'states'])
    this.#options = { messages: options.messages ?? true, states: options.states ?? false }
  }

  /** Adds the next event of the run, from the first on; an event that was added before is ignored. */
  add(event: NumberedEvent): void {
    if (!Number.isSafeInteger(fieldOf(event, 'seq')))
      throw invalidInput('The argument of Tracer.add', 'it is not an event of a run')
    if (event.seq <= (this.#events.at(-1)?.seq ?? 0)) return
    this.#events.push(event)
    if (event.type === 'run.started') this.#edges = event.pinned.topology.edges
    if (!this.#options.states) return
    evolve(this.#state, event)
    if (begins.has(event.type)) this.#capture(event.seq)
  }

  /**
   * Adds all events of a run until the run ends or the signal aborts.
   * @param run a `Run`, or the result of `openExport`
   * @param options.signal ends the call without an error
   */
  async follow(
    run: {
      /**
       * Yields the events of the run.
       * @param options.from the `seq` of the newest event that the tracer has; absent if it has none
       * @param options.signal ends the iteration without an error
       */
      events(options?: { readonly from?: number; readonly signal?: AbortSignal }): AsyncIterable<NumberedEvent>
    },
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<this> {
    checkFunction('The method events of the run that a Tracer follows', fieldOf(run, 'events'))
    checkCall('Tracer.follow', options)
    const from = this.#events.at(-1)?.seq
    for await (const event of run.events({ ...options, ...(from === undefined ? {} : { from }) })) this.add(event)
    return this
  }

  /** Returns the trace of the events added so far. */
  getTrace(): Trace {
    const events = this.#events
    return {
      executionPath: stepsOf(events, events.at(-1)?.at ?? 0),
      interactions: interactionsIn(events, this.#edges).map(({ value, ...rest }) =>
        this.#options.messages && value !== undefined ? { ...rest, value } : rest,
      ),
      errors: errorsIn(events),
      states: this.#states,
    }
  }

  /** Returns the interactions as a Mermaid sequence diagram. */
  toMermaid(): string {
    return toMermaid(this.getTrace())
  }

  /** Returns the trace as lines of text, for terminals and logs. */
  toText(): string {
    return toText(this.getTrace())
  }

  #capture(seq: number): void {
    const view = viewOf(this.#state)
    const branches = [...view.branches()].map(
      ({ id, node, status }) => [id, { agent: view.agentAt(node), status }] as const,
    )
    const { totalSteps } = view
    this.#states.push({ seq, branches: Object.fromEntries(branches), totalSteps })
  }
}

const errorsIn = (events: readonly NumberedEvent[]): readonly TracedError[] =>
  events.flatMap((event) => {
    if (event.type === 'step.failed' || event.type === 'branch.failed') {
      const { seq, agent, error } = event
      return [{ seq, agent, ...(event.type === 'step.failed' ? { step: event.step } : {}), error }]
    }
    return event.type === 'run.failed' ? [{ seq: event.seq, agent: 'run', error: event.error }] : []
  })

/**
 * What a run did, as one object: which way it went, who had to do with whom, what failed, and how its branches stood with
 * each step. Fed by `run.events()`, live or from history.
 */

import { checkCall, checkFunction, checkOptions, failure, fieldOf } from '../../../core/index.ts'
import type { CanonicalEdge } from '../../../topology/index.ts'
import type { NumberedEvent } from '../../engine/events/run-event.ts'
import { evolve } from '../../machine/evolve.ts'
import { createState } from '../../machine/state.ts'
import { viewOf } from '../../machine/state-view.ts'
import { stepsOf } from '../steps/steps-of.ts'
import { interactionsIn } from './interactions.ts'
import type { CapturedState, Trace, TracedError } from './run-trace.ts'
import { toMermaid, toText } from './trace-text.ts'

export interface TracerOptions {
  /** Keep what was said: inputs, answers and values of interactions; true by default. */
  readonly messages?: boolean
  /** Keep how the branches stood with each event that begins or ends a step; false by default. */
  readonly states?: boolean
}

const begins = new Set(['step.started', 'step.completed', 'step.failed'])

/**
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

  /** @throws ValidationError for an option that it does not know */
  constructor(options: TracerOptions = {}) {
    checkOptions('Tracer', options, ['messages', 'states'])
    this.#options = { messages: options.messages ?? true, states: options.states ?? false }
  }

  /** Takes a run's events in, from its first on; one that it has already is passed over. */
  add(event: NumberedEvent): void {
    if (!Number.isSafeInteger(fieldOf(event, 'seq')))
      throw failure('validation.failed', { what: 'What Tracer.add was given', problem: 'it is not an event of a run' })
    if (event.seq <= (this.#events.at(-1)?.seq ?? 0)) return
    this.#events.push(event)
    if (event.type === 'run.started') this.#edges = event.pinned.topology.edges
    if (!this.#options.states) return
    evolve(this.#state, event)
    if (begins.has(event.type)) this.#capture(event.seq)
  }

  /** Takes in all events of a run until it is over, or the signal: of a run that is over at once. */
  async follow(
    run: { events(options?: { readonly from?: number; readonly signal?: AbortSignal }): AsyncIterable<NumberedEvent> },
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<this> {
    checkFunction('The method events of the run that a Tracer follows', fieldOf(run, 'events'))
    checkCall('Tracer.follow', options)
    const from = this.#events.at(-1)?.seq
    for await (const event of run.events({ ...options, ...(from === undefined ? {} : { from }) })) this.add(event)
    return this
  }

  /** What was taken in until now. */
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

  /** A sequence diagram of who had to do with whom. */
  toMermaid(): string {
    return toMermaid(this.getTrace())
  }

  /** The same as lines of text, for terminals and logs. */
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

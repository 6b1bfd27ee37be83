/** The routing of a function agent: where the run continues. A plain value follows the only outgoing edge. */
import { checkOptions, copyJson, copyLimit, fieldOf, invalidInput, type Json, listOf, show } from '../../core/index.ts'
import type { CarriedHistory, Routing } from '../agent-port.ts'

/** A value that only these functions create, so that no plain result of an agent counts as a routing. */
class Routed<Out = never> {
  /** Where the run continues; read by the runtime. */
  readonly routing: Routing
  /** The type of the final value, for the compiler only. */
  declare readonly output?: Out
  constructor(routing: Routing) {
    this.routing = routing
  }
}

export type { Routed }

/** An agent, by its name or its definition. */
export type Target =
  | string
  | {
      /** The name of the agent. */
      readonly name: string
    }
function nameOf(what: string, target: Target): string {
  const name = typeof target === 'string' ? target : fieldOf(target, 'name')
  if (typeof name !== 'string' || name === '') throw invalidInput(what, 'it names no agent')
  return name
}

/**
 * Invokes several agents in parallel. This agent is run again with `{ results }` if the topology has edges back.
 * @param targets.agent the invoked agent, by its name or its definition
 * @param targets.input the input of the agent; null by default
 * @throws ValidationError if no agent is named; `value.too_large` if the inputs have more than 8 MiB together
 * @example return invoke([{ agent: 'Reviewer', input: draft }, { agent: 'Checker', input: draft }])
 */
export function invoke(targets: readonly { readonly agent: Target; readonly input?: unknown }[]): Routed {
  if (listOf('invoke', targets).length === 0) throw invalidInput('invoke', 'it names no agent')
  const limit = copyLimit()
  return new Routed({
    kind: 'invoke',
    targets: targets.map((target) => {
      checkOptions('invoke', target, ['agent', 'input'])
      return { agent: nameOf('invoke', target.agent), input: json(target.input, limit) }
    }),
  })
}

/** The options of `handOff` and of the hand-offs of an LlmAgent. */
export interface HandOffOptions {
  /**
   * The part of the thread that the other agent sees before its input: `none`, the default; `summary`, written by the
   * model of this agent or else by rules; or `all`. It is recorded with the step, with its taint labels.
   */
  readonly history?: 'none' | CarriedHistory['kind']
}

/**
 * Hands off to another agent without a return.
 * @throws ValidationError if no agent is named, or for an unknown option
 * @example return handOff('Billing', 'Refund order 17.', { history: 'summary' })
 */
export function handOff(agent: Target, input?: unknown, options: HandOffOptions = {}): Routed {
  const history = readHistory('handOff', options)
  const routing = { kind: 'handOff', agent: nameOf('handOff', agent), input: json(input) } as const
  return new Routed(history === 'none' ? routing : { ...routing, history })
}

/** @throws ValidationError for an unknown option or `history` */
export function readHistory(what: string, options: HandOffOptions): NonNullable<HandOffOptions['history']> {
  checkOptions(what, options, ['history'])
  const { history = 'none' } = options
  if (['none', 'summary', 'all'].includes(history)) return history
  throw invalidInput(`${what}.history`, `it is ${show(history)}, not none, summary or all`)
}

/** Ends the run, or this branch, with its response. */
export const finish = <Out = null>(value?: Out): Routed<Out> => new Routed<Out>({ kind: 'finish', value: json(value) })

const json = (value: unknown, limit = copyLimit()): Json =>
  value === undefined ? null : copyJson(value, 'The value that is passed on', limit)

const isRouted = (value: unknown): value is Routed => {
  try {
    return value instanceof Routed
  } catch {
    return false
  }
}

/** @throws ValidationError `json.unsupported` for a value that is not JSON */
export const routingOf = (returned: unknown, what: string): Routing =>
  isRouted(returned)
    ? returned.routing
    : { kind: 'value', value: returned === undefined ? null : copyJson(returned, what) }

/**
 * Returns the result that a person provides in place of a step's result.
 * @throws ValidationError for a hand-off with a history, because there is no step whose thread it could carry
 */
export function editedRouting(returned: unknown): Routing {
  const routing = routingOf(returned, 'The result')
  if (routing.kind === 'handOff' && routing.history !== undefined)
    throw invalidInput('The result', 'an edited result cannot be a hand-off with a history')
  return routing
}

/** How a function agent says where the run goes next; a plain value goes along the only way there is. */
import { checkOptions, encodeJson, failure, fieldOf, type Json, listOf } from '../../core/index.ts'
import type { Routing } from '../agent-port.ts'

/** A value that only these constructors make: no result of an agent is taken for one by its looks. */
class Routed {
  readonly routing: Routing
  constructor(routing: Routing) {
    this.routing = routing
  }
}

export type { Routed }

/** An agent, by its name or its definition. */
export type Target = string | { readonly name: string }
function nameOf(what: string, target: Target): string {
  const name = typeof target === 'string' ? target : fieldOf(target, 'name')
  if (typeof name !== 'string' || name === '')
    throw failure('validation.failed', { what, problem: 'it names no agent' })
  return name
}

/**
 * To several agents in parallel; this agent is run again with `{ results }` where the topology leads back.
 * @throws ValidationError when no agent is named
 * @example return invoke([{ agent: 'Reviewer', input: draft }, { agent: 'Checker', input: draft }])
 */
export function invoke(targets: readonly { readonly agent: Target; readonly input?: unknown }[]): Routed {
  if (listOf('invoke', targets).length === 0)
    throw failure('validation.failed', { what: 'invoke', problem: 'it names no agent' })
  return new Routed({
    kind: 'invoke',
    targets: targets.map((target) => {
      checkOptions('invoke', target, ['agent', 'input'])
      return { agent: nameOf('invoke', target.agent), input: json(target.input) }
    }),
  })
}

/** To another agent for good. */
export const handOff = (agent: Target, input?: unknown): Routed =>
  new Routed({ kind: 'handOff', agent: nameOf('handOff', agent), input: json(input) })

/** The response of the run, or of this branch. */
export const finish = (value?: unknown): Routed => new Routed({ kind: 'finish', value: json(value) })

const json = (value: unknown): Json =>
  value === undefined ? null : (JSON.parse(encodeJson(value, 'What is passed on')) as Json)

const isRouted = (value: unknown): value is Routed => {
  try {
    return value instanceof Routed
  } catch {
    return false
  }
}

/** @throws ValidationError `json.unsupported` for what JSON can't carry */
export const routingOf = (returned: unknown, what: string): Routing =>
  isRouted(returned)
    ? returned.routing
    : { kind: 'value', value: returned === undefined ? null : (JSON.parse(encodeJson(returned, what)) as Json) }

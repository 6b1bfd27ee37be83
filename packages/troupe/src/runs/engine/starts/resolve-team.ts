/** Finds the team that a run, a schedule or a check names: a registered team, one agent alone, or a topology. */
import type { Agent } from '../../../agents/index.ts'
import { type ExactlyOne, failure, invalidInput, isObject, nearest } from '../../../core/index.ts'
import { type CompiledTopology, defineTopology, patterns, type TopologyForm } from '../../../topology/index.ts'
import type { Known } from './run-code.ts'

/** The team of a run: exactly one of `team`, `agent` and `topology`. */
export type TeamReference<Out = unknown> = ExactlyOne<{
  /** The name of a team in `createTroupe({ teams })`, or else of an agent in `createTroupe({ agents })`. */
  readonly team: string
  /** A single agent: its definition, or its name in `createTroupe({ agents })`. */
  readonly agent: string | Agent<never, Out>
  /** A topology in any form. */
  readonly topology: TopologyForm<Out>
}>

/** The team of a request from outside. Without any of the three, it is the only registered team. */
export interface TeamRequest {
  readonly team?: string | undefined
  readonly agent?: string | undefined
  /** A topology as JSON, in which agents are the names of registered ones. */
  readonly topology?: unknown
}

const kinds = ['team', 'agent', 'topology'] as const
/** The option that names a team. */
export type TeamKind = (typeof kinds)[number]

/**
 * @param what the call that names the team
 * @throws ValidationError if it names none or several; NotFoundError `team.unknown`; the errors of `defineTopology`
 */
export function resolveTeam(known: Known, reference: TeamReference, what: string): CompiledTopology {
  checkOne(reference, what)
  const { team, agent, topology } = reference
  if (topology !== undefined) return defineTopology(topology)
  if (agent !== undefined) return alone(typeof agent === 'string' ? agentOf(known, agent) : checkAgent(agent, what))
  if (typeof team !== 'string')
    throw invalidInput(`${what}.team`, `it must be a name, got ${typeof team}; pass a definition as topology`)
  const found = known.teams.get(team)
  if (found) return found
  const single = known.agents.get(team)
  if (single) return alone(single)
  throw unknown('team', team, [...known.teams.keys(), ...known.agents.keys()])
}

/** @throws ValidationError if a request names several, or none and more than one is registered; NotFoundError */
export function readTeamRequest(known: Known, request: TeamRequest): TeamReference {
  const { team, agent, topology } = request
  const named = kinds.filter((kind) => request[kind] !== undefined)
  if (named.length === 0) return onlyTeam(known)
  checkOne(request, 'The request')
  if (team !== undefined) return { team }
  if (agent !== undefined) return { agent }
  const form = withAgents(topology, known)
  return { topology: defineTopology(form, { agents: [...known.agents.values()] }) }
}

function checkOne(reference: TeamRequest | TeamReference, what: string): void {
  const named = kinds.filter((kind) => reference[kind] !== undefined)
  const { topology } = reference
  if (typeof topology === 'string')
    throw invalidInput(`${what}.topology`, `it is a text; pass the name of a team as team: '${topology}'`)
  if (named.length === 1) return
  const found = named.length === 0 ? 'none of them is there' : `${named.join(' and ')} are there`
  throw invalidInput(what, `it takes exactly one of team, agent and topology; ${found}`)
}

function onlyTeam({ teams, agents }: Known): TeamReference {
  const [team, ...others] = teams.keys()
  if (team !== undefined && others.length === 0) return { team }
  const [agent, ...more] = agents.keys()
  if (team === undefined && agent !== undefined && more.length === 0) return { agent }
  const names = [...teams.keys(), ...agents.keys()]
  throw failure('request.invalid', { problem: `it names no team; known are ${names.join(', ') || 'none'}` })
}

function agentOf({ agents }: Known, name: string): Agent {
  const found = agents.get(name)
  if (!found) throw unknown('agent', name, [...agents.keys()])
  return found
}

function checkAgent(agent: Agent, what: string): Agent {
  if (typeof agent?.step === 'function') return agent
  throw invalidInput(`${what}.agent`, 'it must be a name, or an agent as defineAgent and new LlmAgent make them')
}

const alone = (agent: Agent): CompiledTopology => defineTopology(patterns.pipeline({ stages: [{ agents: [agent] }] }))

function unknown(what: 'team' | 'agent', name: string, names: readonly string[]): Error {
  const near = nearest(name, names)
  const known = `${names.join(', ') || 'none'}${near === undefined ? '' : `; the nearest is ${near}`}`
  return failure('team.unknown', { what, name, known })
}

/** Replaces the names of registered agents in JSON by their definitions. */
function withAgents(form: unknown, known: Known): TopologyForm {
  if (!isObject(form) || 'canonical' in form)
    throw failure('request.invalid', { problem: 'its topology is not a topology as JSON' })
  const nested = <T>(one: T): T => {
    const inner = (one as { readonly topology?: unknown } | null)?.topology
    return inner === undefined ? one : { ...one, topology: withAgents(inner, known) }
  }
  const named = (one: unknown) => (typeof one === 'string' ? agentOf(known, one) : nested(one))
  const { agents: members, nodes } = form as { readonly agents?: unknown; readonly nodes?: unknown }
  return {
    ...form,
    ...(Array.isArray(members) ? { agents: members.map(named) } : {}),
    ...(Array.isArray(nodes) ? { nodes: nodes.map(nested) } : {}),
  } as unknown as TopologyForm
}

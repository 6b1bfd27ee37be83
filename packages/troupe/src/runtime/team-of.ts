/** The team that somebody outside names: registered with the troupe, or put together of registered agents. */
import type { Agent } from '../agents/index.ts'
import { failure, nearest } from '../core/index.ts'
import { type CompiledTopology, defineTopology, patterns, type TopologyForm } from '../orchestration/index.ts'
import type { TroupeParts } from './parts.ts'

/** One of them at most; absent where there is only one team. */
export interface NamedTeam {
  /** The name of a registered topology, or one as JSON over registered agents. */
  readonly topology?: unknown
  /** One registered agent alone. */
  readonly agent?: string | undefined
  /** A registered topology, or else the agent of this name. */
  readonly team?: string | undefined
}

/** @throws NotFoundError `team.unknown`; ValidationError where nothing is named and there are several */
export function teamOf(parts: TroupeParts, { topology, agent, team }: NamedTeam): CompiledTopology {
  const { agents, topologies } = parts.given
  if ([topology, agent, team].filter((named) => named !== undefined).length > 1)
    throw failure('request.invalid', {
      problem: 'it names several of topology, agent and team; one of them is the team',
    })
  if (team !== undefined) {
    if (topologies.has(team)) return registered(parts, team)
    if (agents.has(team)) return alone(parts, team)
    throw failure('team.unknown', {
      what: 'team',
      name: team,
      known: known([...topologies.keys(), ...agents.keys()], team),
    })
  }
  if (typeof topology === 'string') return registered(parts, topology)
  if (topology !== undefined) return defineTopology(withAgents(topology, agents), { agents: [...agents.values()] })
  if (agent !== undefined) return alone(parts, agent)
  const [only, ...others] = topologies.values()
  if (only && others.length === 0) return only
  const [single, ...more] = agents.values()
  if (topologies.size === 0 && single && more.length === 0) return alone(parts, single.name)
  throw failure('request.invalid', {
    problem: `it names no team; known are ${known([...topologies.keys(), ...agents.keys()])}`,
  })
}

/** Where a definition stands, JSON has the name of a registered agent. */
function withAgents(form: unknown, agents: ReadonlyMap<string, Agent>): TopologyForm {
  const isTeam = typeof form === 'object' && form !== null && !Array.isArray(form)
  if (!isTeam || 'canonical' in form)
    throw failure('request.invalid', { problem: 'its topology is neither a name nor a team as JSON' })
  const nested = <T>(one: T): T => {
    const inner = (one as { readonly topology?: unknown } | null)?.topology
    return inner === undefined ? one : { ...one, topology: withAgents(inner, agents) }
  }
  const named = (one: unknown) => {
    if (typeof one !== 'string') return nested(one)
    const agent = agents.get(one)
    if (!agent) throw failure('team.unknown', { what: 'agent', name: one, known: known([...agents.keys()], one) })
    return agent
  }
  const { agents: members, nodes } = form as { readonly agents?: unknown; readonly nodes?: unknown }
  return {
    ...form,
    ...(Array.isArray(members) ? { agents: members.map(named) } : {}),
    ...(Array.isArray(nodes) ? { nodes: nodes.map(nested) } : {}),
  } as unknown as TopologyForm
}

function known(names: readonly string[], wanted = ''): string {
  const near = nearest(wanted, names)
  return `${names.join(', ') || 'none'}${near === undefined ? '' : `; the nearest is ${near}`}`
}

export function registered({ given: { topologies } }: TroupeParts, name: string): CompiledTopology {
  const found = topologies.get(name)
  if (!found) throw failure('team.unknown', { what: 'topology', name, known: known([...topologies.keys()], name) })
  return found
}

function alone({ given: { agents } }: TroupeParts, name: string): CompiledTopology {
  const found = agents.get(name)
  if (!found) throw failure('team.unknown', { what: 'agent', name, known: known([...agents.keys()], name) })
  return defineTopology(patterns.pipeline({ stages: [{ agents: [found] }] }))
}

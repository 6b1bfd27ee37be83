/** The patterns with a built-in agent, whose role contains the options of the pattern. */
import type { Runs } from 'troupe'
import { around, both, type Candidate, node, reference } from './pattern-candidate.ts'

export function rolePatterns({ nodes }: Runs.CanonicalTopology): readonly Candidate[] {
  const built = nodes.find(({ role }) => role)
  const agents = nodes.filter((each) => each.kind === 'agent' && each !== built).map(({ name }) => node(name))
  return built ? [ofRole(built, agents)] : []
}

function ofRole({ name, role, join, onFailure }: Runs.CanonicalNode, agents: readonly Runs.CanonicalNode[]): Candidate {
  const own = node(name, {
    ...(join === undefined ? {} : { join }),
    ...(onFailure === undefined ? {} : { onFailure }),
    ...(role ? { role } : {}),
  })
  const nodes = [...agents, own]
  switch (role?.kind) {
    case 'router': {
      const targets = [...new Set(Object.values(role.routes))]
      const routes = Object.fromEntries(Object.entries(role.routes).map(([type, agent]) => [type, reference(agent)]))
      return {
        name: 'router',
        options: { routes, by: typeof role.by === 'string' ? role.by : { code: 'by' } },
        nodes,
        links: [['Start', name], ...targets.flatMap((agent) => [[name, agent] as const, [agent, 'End'] as const])],
      }
    }
    case 'split': {
      const options = { map: reference(role.map), reduce: reference(role.reduce) }
      return {
        name: 'mapReduce',
        options: role.code ? { split: { code: 'split' }, ...options } : options,
        nodes,
        links: [['Start', name], ...both(name, role.map), [name, role.reduce], [role.reduce, 'End']],
      }
    }
    case 'vote':
      return {
        name: 'vote',
        options: { voters: role.voters.map(reference), quorum: role.quorum },
        nodes,
        links: around(name, [...new Set(role.voters)]),
      }
    case 'blackboard':
      return {
        name: 'blackboard',
        options: { agents: role.agents.map(reference), until: { code: 'until' } },
        nodes,
        links: around(name, role.agents),
      }
    case 'plan':
      return {
        name: 'planAndExecute',
        options: { planner: reference(role.planner), executor: reference(role.executor) },
        nodes,
        links: [
          ['Start', name],
          ...both(name, role.planner),
          ...both(name, role.executor),
          ...both(role.planner, role.executor),
          [name, 'End'],
        ],
      }
    default:
      return loop(name, nodes)
  }
}

function loop(name: string, nodes: readonly Runs.CanonicalNode[]): Candidate {
  const role = nodes.at(-1)?.role
  const { body, check, max } = role?.kind === 'loop' ? role : { body: '', check: '', max: 1 }
  return {
    name: 'loop',
    options: { body: reference(body), check: reference(check), max },
    nodes,
    links: [['Start', name], [name, body, { limit: max }], [body, name], ...both(name, check), [name, 'End']],
  }
}

/**
 * Finds the pattern that builds a topology. Each pattern is compared with all nodes and edges that it would build, so
 * that the pattern that is found builds exactly this topology.
 */
import type { Runs } from 'troupe'
import type { Candidate } from './pattern-candidate.ts'
import { plainPatterns } from './plain-patterns.ts'
import { rolePatterns } from './role-patterns.ts'

type FoundPattern = Pick<Candidate, 'name' | 'options' | 'config'>

export function patternOf(topology: Runs.CanonicalTopology): FoundPattern | undefined {
  const found = [...plainPatterns(topology), ...rolePatterns(topology)].find((one) => builds(one, topology))
  return found && { config: topology.config, ...found }
}

function builds({ nodes, links }: Candidate, topology: Runs.CanonicalTopology): boolean {
  const order = new Map(topology.nodes.map(({ name }, i) => [name, i]))
  const edges = links
    .map(([from, to, more]) => ({ from, to, type: 'invoke', ...more }))
    .sort((a, b) => (order.get(a.from) ?? 0) - (order.get(b.from) ?? 0))
  const agents = topology.nodes.filter(({ kind }) => kind === 'agent')
  return (
    JSON.stringify(nodes.map(sorted)) === JSON.stringify(agents.map(sorted)) &&
    JSON.stringify(edges.map(sorted)) === JSON.stringify(topology.edges.map(sorted))
  )
}

const sorted = (part: object) => Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))

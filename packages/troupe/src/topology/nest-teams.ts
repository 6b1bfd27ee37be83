/** Replaces nodes of a team by other teams: same run, same journal, names like `Team/Agent`. */
import type { CanonicalEdge, CanonicalNode } from './canonical/canonical-topology.ts'
import { carries } from './canonical/graph.ts'
import { invalid, type TopologyDraft } from './topology-draft.ts'
import type { CompiledTopology } from './topology-forms.ts'

export function nestTeams(draft: TopologyDraft, nested: ReadonlyMap<string, CompiledTopology>): void {
  // The nodes of a nested team come after all others, and the first agent starts by default, also if it is a team.
  if (nested.size > 0) draft.complete()
  for (const [name, inner] of nested) nestTeam(draft, name, inner)
}

function nestTeam(draft: TopologyDraft, name: string, { canonical, agents }: CompiledTopology): void {
  if (canonical.config?.policy !== undefined)
    throw invalid(
      name,
      'a team inside a team has no policy of its own',
      'Move its policy to the config of the outer team',
    )
  const inside = (inner: string) => (inner === 'User' ? draft.use('User', name) : `${name}/${inner}`)
  draft.nodes.delete(name)
  for (const node of canonical.nodes)
    if (node.kind === 'agent')
      draft.addNode({ ...node, name: inside(node.name), agent: addAgent(draft, name, node, agents) })
  const outer = draft.takeEdges()
  const into = outer.filter((edge) => edge.to === name)
  const out = outer.filter((edge) => edge.from === name)
  if (into.some((edge) => edge.from === name))
    throw invalid(name, 'a team cannot lead to itself', 'Put an agent between')
  // A team that is only queried or notified ends with its result.
  const isAnswering = into.every(({ type }) => type === 'query' || type === 'notify') && !out.some(carries)
  const entries = canonical.edges.filter((edge) => edge.from === 'Start')
  const fan = entries.length > 1 ? { fanOut: true as const } : {}
  // Edges stay in their written order, which is the order of the results of a fan-out.
  for (const edge of outer) {
    if (edge.from === name) continue
    if (edge.to !== name) {
      draft.addEdge(edge)
      continue
    }
    // The first invoked agent inside is not always the one that answers; `returns` makes the invocation return anyway.
    const back = out.some((o) => o.to === edge.from) ? { returns: true as const } : {}
    for (const entry of entries)
      draft.addEdge({ ...edge, ...(edge.from === 'Start' ? {} : fan), ...back, to: inside(entry.to) })
  }
  for (const edge of canonical.edges) {
    if (edge.from === 'Start') continue
    if (edge.to !== 'End') {
      const leaves = edge.leaves === undefined ? {} : { leaves: inside(edge.leaves) }
      const checkedAfter = edge.checkedAfter ? { checkedAfter: inside(edge.checkedAfter) } : {}
      draft.addEdge({ ...edge, ...leaves, ...checkedAfter, from: inside(edge.from), to: inside(edge.to) })
    } else {
      for (const next of out)
        if (!draft.hasEdge(inside(edge.from), next.to)) draft.addEdge(leaving(name, edge, next, inside(edge.from)))
      if (isAnswering) draft.addEdge({ ...edge, from: inside(edge.from), to: draft.use('End', name) })
    }
  }
}

/**
 * Adds the definition of an agent of the inner team. Teams made by equal patterns have built-in agents with equal names;
 * such an agent is renamed, because the user cannot do that.
 * @returns the name of the definition
 */
function addAgent(draft: TopologyDraft, team: string, node: CanonicalNode, agents: CompiledTopology['agents']): string {
  const name = node.agent ?? node.name
  const agent = agents.get(name)
  if (!agent) throw invalid(`${team}/${node.name}`, `the definition of ${name} is missing`, 'Pass it with its team')
  const known = draft.agents.get(name)
  const added = node.role && known && known !== agent ? Object.freeze({ ...agent, name: `${team}/${name}` }) : agent
  draft.addAgent(added)
  return added.name
}

/** Returns the edge on which a value leaves the inner team: the outer edge, under the bounds of the inner one. */
function leaving(team: string, inner: CanonicalEdge, outer: CanonicalEdge, from: string): CanonicalEdge {
  if (inner.when && outer.when)
    throw invalid(
      `${team} -> ${outer.to}`,
      `it has a condition, and the edge on which ${from} leaves the team has one too`,
      'Remove one of the two conditions, or put an agent between',
    )
  const { checkedAfter = inner.leaves ?? '' } = inner
  const limits = [inner.limit, outer.limit].filter((limit) => limit !== undefined)
  return {
    ...outer,
    from,
    leaves: team,
    ...(inner.when ? { when: inner.when, checkedAfter: checkedAfter && `${team}/${checkedAfter}` } : {}),
    ...(inner.fanOut && carries(outer) ? { fanOut: true as const } : {}),
    ...(limits.length > 0 ? { limit: Math.min(...limits) } : {}),
    ...(inner.perPass ? { perPass: true as const } : {}),
  }
}

/** Replaces a node of a team by another team: same run, same journal, names like `Team/Agent`. */
import type { CanonicalEdge, CanonicalNode } from './canonical/canonical-topology.ts'
import { invalid, type TopologyDraft } from './topology-draft.ts'
import type { CompiledTopology } from './topology-forms.ts'

export function nestTeam(draft: TopologyDraft, name: string, { canonical, agents }: CompiledTopology): void {
  const inside = (inner: string) => (inner === 'User' ? draft.use('User', name) : `${name}/${inner}`)
  draft.nodes.delete(name)
  for (const agent of agents.values()) draft.addAgent(agent)
  for (const node of canonical.nodes)
    if (node.kind === 'agent') draft.addNode({ ...node, name: inside(node.name) } satisfies CanonicalNode)
  const outer = draft.edges.splice(0)
  const into = outer.filter((edge) => edge.to === name)
  const out = outer.filter((edge) => edge.from === name)
  if (into.some((edge) => edge.from === name))
    throw invalid(name, 'a team cannot lead to itself', 'Put an agent between')
  for (const edge of outer) if (edge.to !== name && edge.from !== name) draft.addEdge(edge)
  const entries = canonical.edges.filter((edge) => edge.from === 'Start')
  const fan = entries.length > 1 ? { fanOut: true as const } : {}
  for (const edge of into) {
    // The first invoked agent inside is not always the one that answers; `returns` makes the invocation return anyway.
    const back = out.some((o) => o.to === edge.from) ? { returns: true as const } : {}
    for (const entry of entries)
      draft.addEdge({ ...edge, ...(edge.from === 'Start' ? {} : fan), ...back, to: inside(entry.to) })
  }
  for (const edge of canonical.edges) {
    if (edge.from === 'Start') continue
    if (edge.to === 'End') for (const next of out) addOnce(draft, leaving(edge, next, inside(edge.from)))
    else draft.addEdge({ ...edge, from: inside(edge.from), to: inside(edge.to) })
  }
}

const leaving = (inner: CanonicalEdge, next: CanonicalEdge, from: string): CanonicalEdge => ({
  ...next,
  from,
  ...(inner.when ? { when: inner.when } : {}),
})

function addOnce(draft: TopologyDraft, edge: CanonicalEdge): void {
  if (!draft.edges.some((e) => e.from === edge.from && e.to === edge.to)) draft.addEdge(edge)
}

/** Checks that every agent can be reached, has an outgoing edge, and can reach an end. */
import type { CanonicalTopology } from '../canonical/canonical-topology.ts'
import type { PinnedConfig } from '../canonical/pinned-config.ts'
import type { Finding } from './finding.ts'

type Next = ReadonlyMap<string, readonly string[]>

function adjacency(topology: CanonicalTopology, turned: boolean): Next {
  const next = new Map<string, string[]>(topology.nodes.map((node) => [node.name, []]))
  for (const { from, to } of topology.edges) next.get(turned ? to : from)?.push(turned ? from : to)
  return next
}

export function reachable(from: readonly string[], next: Next): ReadonlySet<string> {
  const seen = new Set(from)
  const open = [...from]
  for (let name = open.pop(); name !== undefined; name = open.pop())
    for (const other of next.get(name) ?? []) {
      if (seen.has(other)) continue
      seen.add(other)
      open.push(other)
    }
  return seen
}

export const onward = (topology: CanonicalTopology): Next => adjacency(topology, false)

/**
 * Checks the shape of a topology. An agent without outgoing edges is an error unless it is the target of a notification
 * or query.
 */
export function checkShape(topology: CanonicalTopology, config: PinnedConfig): Finding[] {
  const next = onward(topology)
  const reached = reachable(['Start', ...substitutes(topology, config)], next)
  const ending = reachable(
    topology.nodes
      .filter((n) => n.kind === 'end' || (n.kind === 'user' && (next.get(n.name) ?? []).length === 0))
      .map((n) => n.name),
    adjacency(topology, true),
  )
  const notified = new Set(topology.edges.filter((e) => e.type === 'notify' || e.type === 'query').map((e) => e.to))
  // The target of a notification or query ends with its answer, so agents that lead to it can end too.
  const answering = reachable([...notified], adjacency(topology, true))
  const agents = topology.nodes.filter((node) => node.kind === 'agent')
  const findings: Finding[] = []
  for (const { name } of agents) {
    if (!reached.has(name))
      findings.push({
        code: 'node.unreachable',
        severity: 'error',
        location: name,
        message: `${name} is unreachable: no path leads from Start to it`,
        remedy: `Add a flow to ${name}, name it in onError, or remove it`,
      })
    else if ((next.get(name) ?? []).length === 0 && !notified.has(name))
      findings.push({
        code: 'node.dead_end',
        severity: 'error',
        location: name,
        message: `${name} is a dead end: it has no outgoing edge`,
        remedy: `Add ${name} -> End, or an edge back to the agent that invokes it`,
      })
  }
  const stuck = agents
    .map((n) => n.name)
    .filter(
      (name) => reached.has(name) && !ending.has(name) && !answering.has(name) && (next.get(name) ?? []).length > 0,
    )
  for (const cycle of findCycles(stuck, next))
    findings.push({
      code: 'cycle.no_exit',
      severity: 'error',
      location: cycle.join(', '),
      message: `${cycle.join(', ')} form a cycle without an exit: no path leads from it to End or User`,
      remedy: `Add a path from one of them to End, or to an agent that reaches End`,
    })
  return findings
}

/** Returns the agents that handle failures: no edge needs to lead to them. */
function substitutes(topology: CanonicalTopology, { onError }: PinnedConfig): readonly string[] {
  const named = new Set(Object.values(onError).map((rule) => rule.agent))
  const agents = topology.nodes.filter(({ kind }) => kind === 'agent')
  return agents.filter(({ name, agent }) => named.has(name) || named.has(agent)).map(({ name }) => name)
}

/** Returns the groups of nodes that are all reachable from each other. */
function findCycles(names: readonly string[], next: Next): readonly (readonly string[])[] {
  const reach = new Map(names.map((name) => [name, reachable(next.get(name) ?? [], next)]))
  const done = new Set<string>()
  const groups: string[][] = []
  for (const name of names) {
    if (done.has(name) || !reach.get(name)?.has(name)) continue
    const group = names.filter((other) => reach.get(name)?.has(other) && reach.get(other)?.has(name))
    for (const one of group) done.add(one)
    groups.push(group)
  }
  return groups
}

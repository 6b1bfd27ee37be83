/** Checks the worst-case cost of a run against its budget, and reports if the worst case is unbounded. */

import type { CanonicalTopology } from '../canonical/canonical-topology.ts'
import { graphOf, returnsTo } from '../canonical/graph.ts'
import type { PinnedConfig } from '../canonical/pinned-config.ts'
import type { Finding } from './finding.ts'

/**
 * Returns the minimum number of steps of a run: the agents on the shortest path from Start to End. A lower budget would
 * end every run.
 */
function leastSteps(topology: CanonicalTopology): number {
  const graph = graphOf(topology)
  const far = new Map<string, number>([['Start', 0]])
  const open = ['Start']
  for (let name = open.shift(); name !== undefined; name = open.shift())
    for (const { to } of graph.nodes.get(name)?.out ?? []) {
      if (far.has(to)) continue
      far.set(to, (far.get(name) ?? 0) + 1)
      open.push(to)
    }
  const end = far.get('End') ?? far.get('User') ?? 2
  return Math.max(1, end - 1)
}

/**
 * Returns the maximum number of steps; undefined if it is unbounded. Without cycles an agent runs at most as often as
 * paths lead to it.
 */
function maxSteps(topology: CanonicalTopology): number | undefined {
  const graph = graphOf(topology)
  const known = new Map<string, number>()
  const walking = new Set<string>()
  const runs = (name: string): number | undefined => {
    if (name === 'Start') return 1
    const found = known.get(name)
    if (found !== undefined) return found
    if (walking.has(name)) return undefined
    walking.add(name)
    const node = graph.nodes.get(name)
    let sum = 0
    for (const edge of node?.in ?? []) {
      const from = runs(edge.from)
      if (from === undefined) return undefined
      sum += from
    }
    walking.delete(name)
    const runCount = node?.isJoin ? Math.min(1, sum) : sum
    known.set(name, runCount)
    return runCount
  }
  let total = 0
  for (const node of topology.nodes) {
    if (node.kind !== 'agent') continue
    const runCount = runs(node.name)
    if (runCount === undefined) return undefined
    total += runCount
  }
  return total
}

/** Returns the minimum depth of each agent; an invoked agent that returns its result is one level below its caller. */
function depths(topology: CanonicalTopology): ReadonlyMap<string, number> {
  const graph = graphOf(topology)
  const least = new Map([['Start', 0]])
  const open = ['Start']
  for (let name = open.shift(); name !== undefined; name = open.shift())
    for (const edge of graph.nodes.get(name)?.out ?? []) {
      const depth = (least.get(name) ?? 0) + (edge.type === 'notify' || returnsTo(graph, edge) ? 1 : 0)
      if (depth >= (least.get(edge.to) ?? Number.POSITIVE_INFINITY)) continue
      least.set(edge.to, depth)
      open.push(edge.to)
    }
  return least
}

function tooDeep(topology: CanonicalTopology, limit: number): Finding[] {
  return [...depths(topology)]
    .filter(([, depth]) => depth > limit)
    .map(([location, depth]) => ({
      code: 'budget.worst_case',
      severity: 'warning',
      location,
      message: `${location} is ${depth} levels deep, but budget.depth is ${limit}: an invocation of it ends the run`,
      remedy: `Raise budget.depth to at least ${depth}`,
    }))
}

export function checkBudget(topology: CanonicalTopology, { budget, maxParallelBranches }: PinnedConfig): Finding[] {
  const findings = tooDeep(topology, budget.depth)
  const least = leastSteps(topology)
  if (least > budget.steps)
    findings.push({
      code: 'budget.worst_case',
      severity: 'error',
      location: 'config.budget.steps',
      message: `Every run needs at least ${least} steps, but the budget is ${budget.steps}: every run exceeds it`,
      remedy: `Raise budget.steps to at least ${least}`,
    })
  const worstCase = maxSteps(topology)
  if (worstCase !== undefined && worstCase > budget.steps && least <= budget.steps)
    findings.push({
      code: 'budget.worst_case',
      severity: 'warning',
      location: 'config.budget.steps',
      message: `In the worst case a run needs ${worstCase} steps, but the budget is ${budget.steps}`,
      remedy: `Raise budget.steps to ${worstCase}, or accept that the guard may end the run`,
    })
  if (worstCase === undefined && budget.tokens === undefined && budget.cost === undefined)
    findings.push({
      code: 'budget.worst_case',
      severity: 'advice',
      location: 'config.budget',
      message: `The team has cycles and no budget of tokens or cost: only ${budget.steps} steps (${maxParallelBranches} at a time) and ${budget.time / 60_000} minutes limit a run`,
      remedy: 'Set budget.tokens or budget.cost',
    })
  return findings
}

/** The way of an answer to the question of a branch at `User`. */
import type { Json } from '../../../core/index.ts'
import type { Branch } from '../branches/branches-slice.ts'
import { routeResult, split } from '../branches/route-result.ts'
import type { RunDecision } from '../decision.ts'

/** Sends the answer back to the branch's earlier node if an edge leads there, else along all edges of `User`. */
export function routeAnswer(d: RunDecision, branch: Branch, value: Json) {
  const { out } = d.node(branch.node)
  const group = d.groupOf(branch)
  if (group.origin.kind === 'call' && group.branches[0] === branch.id && branch.before === undefined)
    return routeResult(d, branch, { kind: 'end', value, notify: [] })
  const back = out.find((e) => e.to === branch.from)
  const edges = back ? [back] : out
  const [only] = edges
  if (only && edges.length === 1 && d.node(only.to).kind !== 'end')
    return routeResult(d, branch, { kind: 'move', edge: only, input: value, notify: [] })
  const ends = edges.filter((e) => d.node(e.to).kind === 'end')
  const on = edges.filter((e) => d.node(e.to).kind !== 'end')
  if (on.length === 0 || ends.length === edges.length) return routeResult(d, branch, { kind: 'end', value, notify: [] })
  split(
    d,
    branch,
    on.map((edge) => ({ edge, input: value })),
  )
}

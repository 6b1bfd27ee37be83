/** Joins that can never be met, because fewer can come than are needed. */

import type { CanonicalTopology } from '../core/canonical.ts'
import type { PinnedConfig } from '../core/config.ts'
import { graphOf } from '../core/graph.ts'
import type { Finding } from './finding.ts'

/** Agents may be invoked several times, so a fork is judged only where its way is given: `=>`. Meetings by their ways in. */
export function checkJoins(topology: CanonicalTopology, config: PinnedConfig): Finding[] {
  const graph = graphOf(topology)
  const findings: Finding[] = []
  for (const node of graph.nodes.values()) {
    if (node.kind !== 'agent') continue
    const join = node.join ?? (node.meeting ? config.join : undefined)
    if (join === undefined || typeof join !== 'object' || !('quorum' in join)) continue
    const fan = node.out.filter((edge) => edge.fanOut).length
    const into = node.in.filter((edge) => edge.from !== 'Start').length
    const most = node.meeting ? into : fan > 0 ? fan : Number.POSITIVE_INFINITY
    if (join.quorum <= most) continue
    findings.push({
      code: 'join.impossible',
      severity: 'error',
      place: node.name,
      message: `The join at ${node.name} cannot be met: a quorum of ${join.quorum} is asked of ${most} who can come`,
      remedy: `Ask for at most ${most}, or let more branches lead to ${node.name}`,
    })
  }
  return findings
}

/** Ways on which untrusted input can come to a tool that changes the world. */
import { type Agent, BaseLlmAgent, definitionOf } from '../../agents/index.ts'
import type { Tool, ToolSource } from '../../tools/index.ts'
import type { CompiledTopology } from '../define-topology.ts'
import { onward, reachable } from './check-shape.ts'
import type { Finding } from './finding.ts'
import { withHelpers } from './with-helpers.ts'

type Seen = Pick<Tool, 'name' | 'effect' | 'untrusted' | 'needsApproval'>

/** What a source has is known when it is asked. */
const anyOf = ({ name, untrusted, hasSideEffects }: ToolSource): Seen => ({
  name: `${name}_*`,
  untrusted,
  effect: hasSideEffects ? 'at-most-once' : 'read',
  needsApproval: false,
})
/** Of agents that have any, and of their helpers; function agents act in `ctx.effect`, which nobody can look into. */
const toolsOf = (agent: Agent | undefined): readonly Seen[] =>
  [...(agent ? withHelpers(agent) : [])].flatMap((one) =>
    one instanceof BaseLlmAgent ? [...definitionOf(one).tools.values(), ...definitionOf(one).sources.map(anyOf)] : [],
  )

export function checkTaintPaths({ canonical, agents }: CompiledTopology): Finding[] {
  const next = onward(canonical)
  const at = canonical.nodes
    .filter((node) => node.kind === 'agent')
    .map((node) => ({ node: node.name, tools: toolsOf(agents.get(node.agent ?? '')) }))
  const findings: Finding[] = []
  for (const { node, tools } of at) {
    const [source] = tools.filter((tool) => tool.untrusted !== undefined)
    if (!source) continue
    const reached = reachable([node], next)
    for (const target of at) {
      if (!reached.has(target.node)) continue
      for (const tool of target.tools) {
        if (tool.effect === 'read') continue
        if (tool.needsApproval) continue
        findings.push({
          code: 'taint.path',
          severity: 'warning',
          location: `${node} -> ${target.node}: ${tool.name}`,
          message: `Untrusted input of ${source.name} (${node}) can come to the dangerous tool ${tool.name} (${target.node}), which changes the world without asking`,
          remedy: `Set needsApproval on ${tool.name}, or keep the two agents apart`,
        })
      }
    }
  }
  return findings
}

/** Checks the paths on which untrusted input can reach a tool with side effects. */
import { type Agent, BaseLlmAgent, definitionOf } from '../../agents/index.ts'
import { type CompiledRule, isAbout } from '../../security/index.ts'
import type { Tool, ToolSource } from '../../tools/index.ts'
import type { PinnedConfig } from '../canonical/pinned-config.ts'
import type { CompiledTopology } from '../define-topology.ts'
import { onward, reachable } from './check-shape.ts'
import type { Finding } from './finding.ts'
import { teamRules } from './ruled-tools.ts'
import { withHelpers } from './with-helpers.ts'

type Seen = Pick<Tool, 'name' | 'effect' | 'untrusted' | 'needsApproval' | 'capabilities'> & {
  /** Whether a policy has a rule about the tool. */
  readonly isRuled?: boolean
  /** Whether untrusted content is hidden from the model of the tool's agent. */
  readonly isHidden?: boolean
}

/** Represents all tools of a source, which are known only at run time. */
const anyOf = ({ name, untrusted, hasSideEffects }: ToolSource): Seen => ({
  name: `${name}_*`,
  untrusted,
  effect: hasSideEffects ? 'at-most-once' : 'read',
  needsApproval: false,
  capabilities: [],
})
/**
 * Returns the tools of model agents and their helpers. Function agents act in `ctx.effect`, which cannot be analysed.
 */
const toolsOf = (agent: Agent | undefined, around: readonly CompiledRule[]): readonly Seen[] =>
  [...(agent ? withHelpers(agent) : [])].flatMap((one) => {
    if (!(one instanceof BaseLlmAgent)) return []
    const { tools, sources, rules, untrusted } = definitionOf(one)
    return [...tools.values(), ...sources.map(anyOf)].map((tool) => ({
      ...tool,
      isHidden: untrusted === 'hide' || ('hide' in tool && tool.hide !== undefined),
      isRuled: 'policy' in tool || [...around, ...rules].some((rule) => isAbout(rule, tool.name)),
    }))
  })

export function checkTaintPaths(
  { canonical, agents }: CompiledTopology,
  config: PinnedConfig,
  troupe: readonly CompiledRule[],
): Finding[] {
  const around = [...troupe, ...teamRules(config).flat()]
  const next = onward(canonical)
  const at = canonical.nodes
    .filter((node) => node.kind === 'agent')
    .map((node) => ({ node: node.name, tools: toolsOf(agents.get(node.agent ?? ''), around) }))
  const findings: Finding[] = []
  for (const { node, tools } of at) {
    const [source] = tools.filter((tool) => tool.untrusted !== undefined && !tool.isHidden)
    if (!source) continue
    const reached = reachable([node], next)
    for (const target of at) {
      if (!reached.has(target.node)) continue
      for (const tool of target.tools) {
        if ((tool.effect === 'read' || tool.effect === 'pure') && !tool.capabilities.includes('external')) continue
        if (tool.needsApproval || tool.isRuled) continue
        findings.push({
          code: 'taint.path',
          severity: 'warning',
          location: `${node} -> ${target.node}: ${tool.name}`,
          message: `Untrusted input of ${source.name} (${node}) can reach the tool ${tool.name} (${target.node}), which has effects outside, and no policy rule applies to it`,
          remedy: `Add a policy rule for ${tool.name} or set needsApproval, hide the results of ${source.name}, or separate the two agents`,
        })
      }
    }
  }
  return findings
}

/**
 * Checks policies: rules about unknown tools or arguments, and tools whose calls are always blocked or need approval.
 */
import { BaseLlmAgent, definitionOf } from '../../agents/index.ts'
import { isObject, nearest, type TaintLabel } from '../../core/index.ts'
import { type CallLabels, type CompiledRule, isAbout, matchingRule, pathsIn, pathText } from '../../security/index.ts'
import type { Tool } from '../../tools/index.ts'
import type { PinnedConfig } from '../canonical/pinned-config.ts'
import type { CompiledTopology } from '../define-topology.ts'
import type { Finding } from './finding.ts'
import { type RuledTool, ruledTools, teamRules } from './ruled-tools.ts'
import { allAgents } from './with-helpers.ts'

export function checkPolicies(
  topology: CompiledTopology,
  config: PinnedConfig,
  troupe: readonly CompiledRule[],
): Finding[] {
  const tools = ruledTools(topology, config, troupe)
  const agents = [...allAgents(topology)]
  const isComplete = agents.every((agent) => agent instanceof BaseLlmAgent && definitionOf(agent).sources.length === 0)
  const ofTeam = teamRules(config).flatMap((rules) => unknownTools(rules, tools, isComplete))
  const ofAgents = agents.flatMap((agent) => {
    if (!(agent instanceof BaseLlmAgent)) return []
    const { rules, sources } = definitionOf(agent)
    const own = tools.filter((one) => one.agent === agent.name)
    return unknownTools(rules, own, sources.length === 0)
  })
  return [...ofTeam, ...ofAgents, ...tools.flatMap(unknownArguments), ...tools.flatMap(always)]
}

/**
 * A rule about an unknown tool is only a warning if some names are unknown before a run: effects of function agents,
 * and tools of sources.
 */
function unknownTools(rules: readonly CompiledRule[], tools: readonly RuledTool[], isComplete: boolean): Finding[] {
  const names = [...new Set(tools.map(({ tool }) => tool.name))]
  return rules
    .filter((rule) => rule.tool !== '*' && !names.some((name) => isAbout(rule, name)))
    .map((rule) => {
      const near = nearest(rule.tool, names)
      return {
        code: 'policy.unknown',
        severity: isComplete ? 'error' : 'warning',
        location: rule.name,
        message: `${rule.name} names the tool ${rule.tool}, which none of its agents has`,
        remedy:
          near === undefined
            ? `Name one of ${names.join(', ') || 'its tools'}, or remove the rule`
            : `Did you mean ${near}?`,
      }
    })
}

function unknownArguments({ tool, rules }: RuledTool): Finding[] {
  return rules.flat().flatMap((rule) => {
    // A rule for several tools may name arguments that only some of them have.
    if (rule.tool !== tool.name || !rule.condition) return []
    return pathsIn(rule.condition).flatMap((path) => {
      const problem = unknownAt(tool.parameters, path)
      if (problem === undefined) return []
      const { known } = problem
      const near = nearest(problem.name, known)
      return {
        code: 'policy.unknown' as const,
        severity: 'error' as const,
        location: rule.name,
        message: `${rule.name} names the argument ${pathText(path)}, which ${tool.name} does not have`,
        remedy: near === undefined ? `Name one of ${known.join(', ') || 'its arguments'}` : `Did you mean ${near}?`,
      }
    })
  })
}

/**
 * @returns the first name of the path that the schema lacks; undefined if it has all names, or is not specific enough
 */
function unknownAt(
  schema: unknown,
  path: readonly string[],
): { readonly name: string; readonly known: readonly string[] } | undefined {
  const [name, ...rest] = path
  if (name === undefined || !isObject(schema)) return undefined
  const { properties, items, additionalProperties } = schema as { readonly [key: string]: unknown }
  if (isObject(items)) return unknownAt(items, rest)
  if (!isObject(properties)) return undefined
  const inner = (properties as { readonly [key: string]: unknown })[name]
  if (inner !== undefined) return unknownAt(inner, rest)
  if (name === '*' || (additionalProperties !== undefined && additionalProperties !== false)) return undefined
  return { name, known: Object.keys(properties) }
}

const everything: readonly TaintLabel[] = ['sensitive:*', 'untrusted:*']

/**
 * Tries calls with and without labels, on the whole call, on all arguments and on each one. If all outcomes are equal,
 * every call has that outcome.
 */
function always({ agent, tool, rules }: RuledTool): Finding[] {
  const { properties } = tool.parameters
  const names = isObject(properties) ? Object.keys(properties) : []
  const labelled = (has: (name: string) => boolean): CallLabels['args'] =>
    names.map((name) => ({ path: [name], labels: has(name) ? everything : [] }))
  const calls: readonly CallLabels[] = [
    { read: [], args: labelled(() => false) },
    { read: everything, args: labelled(() => false) },
    { read: everything, args: labelled(() => true) },
    ...names.map((one) => ({ read: everything, args: labelled((name) => name === one) })),
    ...names.map((one) => ({ read: everything, args: labelled((name) => name !== one) })),
  ]
  const outcomes = new Set(calls.map((call) => strictestOutcome(rules, tool, call)))
  const [only] = outcomes
  if (outcomes.size > 1 || only === undefined || only === 'allow') return []
  return [
    {
      code: 'policy.always',
      severity: only === 'block' ? 'warning' : 'advice',
      location: `${agent}: ${tool.name}`,
      message:
        only === 'block'
          ? `The policy blocks every call of ${tool.name} by ${agent}`
          : `A person is asked before every call of ${tool.name} by ${agent}`,
      remedy: `Add a condition to the rule, or remove ${tool.name} from ${agent}`,
    },
  ]
}

function strictestOutcome(rules: RuledTool['rules'], { name }: Tool, labels: CallLabels) {
  const found = rules.map((list) => matchingRule(list, name, labels)?.do)
  return (['block', 'ask', 'allow'] as const).find((outcome) => found.includes(outcome))
}

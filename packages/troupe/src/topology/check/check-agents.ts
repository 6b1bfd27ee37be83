/** Checks agents: missing code, denied tools, and side effects outside recorded effects. */
import type { Agent } from '../../agents/index.ts'
import type { CompiledTopology } from '../define-topology.ts'
import type { Finding } from './finding.ts'
import { allAgents } from './with-helpers.ts'

export function checkAgents(topology: CompiledTopology): Finding[] {
  return [...allAgents(topology)].flatMap((agent) => [
    ...missingCode(agent),
    ...missingGrants(agent),
    ...sideEffects(agent),
  ])
}

function missingCode({ name, incomplete }: Agent): Finding[] {
  if (incomplete === undefined) return []
  const remedy = 'Pass the topology itself, not its JSON'
  return [{ code: 'code.missing', severity: 'error', location: name, message: `${name}: ${incomplete}`, remedy }]
}

/** A tool of the definition needs no further grant, but a deny overrides it. */
function missingGrants(agent: Agent): Finding[] {
  const denied = new Set(agent.access.deny ?? [])
  return (agent.toolNames ?? [])
    .filter((tool) => denied.has(tool))
    .map((tool) => ({
      code: 'tool.not_granted',
      severity: 'error',
      location: `${agent.name}: ${tool}`,
      message: `${agent.name} has the tool ${tool}, which its access denies`,
      remedy: `Remove ${tool} from deny, or from the tools of ${agent.name}`,
    }))
}

const outside: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/\bfetch\s*\(|\bhttps?\.(?:get|request)\s*\(|\bnew\s+WebSocket\b/, 'the network'],
  [/\bDate\.now\s*\(|\bnew\s+Date\s*\(\s*\)/, 'the clock of the machine'],
  [/\bMath\.random\s*\(|\brandomUUID\s*\(/, 'chance'],
  [/\b(?:readFile|readdir|writeFile|appendFile|unlink|rmdir|mkdir)(?:Sync)?\s*\(/, 'the file system'],
  [/\bprocess\.env\b/, 'the environment'],
  [/\b(?:exec|spawn)(?:Sync|File)?\s*\(/, 'other processes'],
]

/** Returns the parts of the source outside `ctx.effect(…)`, determined by counting parentheses. */
function outsideEffects(source: string): string {
  let rest = ''
  for (let from = 0; ; ) {
    const at = source.indexOf('.effect(', from)
    if (at < 0) return rest + source.slice(from)
    rest += source.slice(from, at)
    let depth = 0
    let i = at + '.effect'.length
    for (; i < source.length; i++) {
      if (source[i] === '(') depth++
      if (source[i] === ')' && --depth === 0) break
    }
    from = i + 1
  }
}

/** Checks the source of function agents, if it is available; code that they call is not checked. */
function sideEffects(agent: Agent): Finding[] {
  if (agent.source === undefined) return []
  const seen = outsideEffects(agent.source)
  return outside
    .filter(([pattern]) => pattern.test(seen))
    .map(([, what]) => ({
      code: 'effect.outside',
      severity: 'advice',
      location: agent.name,
      message: `${agent.name} seems to use ${what} outside ctx.effect, which is repeated when the step executes again`,
      remedy: 'Move it into ctx.effect(name, { class }, fn), or use ctx.now() and ctx.random()',
    }))
}

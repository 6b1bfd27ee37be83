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
  [/\bDate\.now\s*\(|\bnew\s+Date\b(?!\s*\(\s*[^)\s])|\bperformance\.now\s*\(/, 'the clock of the machine'],
  [/\bMath\.random\s*\(|\b(?:randomUUID|randomBytes|randomInt|getRandomValues)\s*\(/, 'chance'],
  [/\b(?:readFile|readdir|writeFile|appendFile|unlink|rmdir|mkdir)(?:Sync)?\s*\(/, 'the file system'],
  [/\bprocess\.env\b/, 'the environment'],
  // A method `exec` is that of a pattern as a rule.
  [/\b(?:execSync|execFile(?:Sync)?|spawn(?:Sync)?|child_process\.exec)\s*\(|(?<![.\w$])exec\s*\(/, 'other processes'],
]

/** Matches comments, texts, patterns and templates. */
const literals =
  /\/\/[^\n]*|\/\*[^*]*(?:\*(?!\/)[^*]*)*(?:\*\/)?|'(?:\\[\s\S]|[^'\\\n])*'|"(?:\\[\s\S]|[^"\\\n])*"|(?<=[(,=:[!&|?{};+]\s*|\breturn\s+|=>\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/\w*|`(?:\\[\s\S]|[^`\\])*`/g
const placeholders = /\$\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}/g

/** Returns the source without comments and with empty texts, so that neither their words nor their parentheses count. */
const codeOf = (source: string): string =>
  source.replace(literals, (found) => {
    if (found.startsWith('//') || found.startsWith('/*')) return ' '
    if (!found.startsWith('`')) return '""'
    return `("" ${[...found.matchAll(placeholders)].map(([, code = '']) => `+ (${codeOf(code)})`).join(' ')})`
  })

/** Returns the parts of the code outside `ctx.effect(…)`, determined by counting parentheses. */
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
  const seen = outsideEffects(codeOf(agent.source))
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

/** Writes a team as `troupe.config.ts`. The code that the server does not show is a comment and an error at its location. */
import type { Runs } from 'troupe'
import { flowsOf } from './flows-of.ts'
import type { PatternOption } from './pattern-candidate.ts'
import { patternOf } from './pattern-of.ts'
import { type AgentDefinition, definedAgents, missingOfAgent, type SavedTeam } from './saved-team.ts'
import { Expression, lineComment, literal, quoted } from './typescript-value.ts'

type Tool = AgentDefinition['tools'][number]

export function teamAsTypeScript(team: SavedTeam): string {
  const source = new Source()
  const agents = new Map(
    definedAgents(team.topology).map((agent) => [agent, source.addAgent(agent, team.definitions.get(agent))]),
  )
  source.constant('team', topologyOf(source, team.topology, agents), missingOfRoles(team.topology))
  const config = `${source.import('defineConfig')}(${literal({ teams: { [team.name]: new Expression('team') } })})`
  const head = lineComment(
    `The team '${team.name}': save it as troupe.config.ts, or pass the default export to createTroupe.`,
  )
  return `${head}${source.imports()}\n${source.text}export default ${config}\n`
}

const byLetters = (a: string, b: string) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1)

/** A module under construction: its constants, and the names that it imports. */
class Source {
  text = ''
  readonly #imported = new Map<string, Set<string>>()
  readonly #used = new Set(['defineAgent', 'team'])
  readonly #tools = new Map<string, Expression>()

  import(name: string, from = 'troupe'): string {
    this.#imported.set(from, (this.#imported.get(from) ?? new Set()).add(name))
    return name
  }

  imports(): string {
    const lines = [...this.#imported].sort(([a], [b]) => byLetters(a, b))
    return lines.map(([from, names]) => `import { ${[...names].sort(byLetters).join(', ')} } from '${from}'\n`).join('')
  }

  constant(name: string, value: string, comments: readonly string[] = []): Expression {
    this.text += `${comments.map(lineComment).join('')}const ${name} = ${value}\n\n`
    return new Expression(name)
  }

  addAgent(name: string, definition: AgentDefinition | undefined): Expression {
    const { description, role, allow, deny } = definition ?? {}
    const constant = this.#identifier(name, 'Agent')
    const missing = missingOfAgent(name, definition)
    if (definition?.kind !== 'model') {
      const run = new Expression(
        `async () => {\n  throw new Error(${quoted(`The code of the agent ${name} is missing.`)})\n}`,
      )
      const options = literal({ name, description, role, allow, deny, run })
      return this.constant(constant, `${this.import('defineAgent')}(${options})`, missing)
    }
    const { instructions, models, tools, options } = definition
    const agent = {
      name,
      description,
      instructions,
      model: models.length > 1 ? models : models[0],
      tools: this.#toolsOf(tools),
      role,
      allow,
      deny,
      ...options,
    }
    return this.constant(constant, `new ${this.import('LlmAgent')}(${literal(agent)})`, missing)
  }

  #toolsOf(tools: readonly Tool[]): unknown {
    const own = tools.filter(({ builtIn }) => !builtIn).map((tool) => this.#tool(tool))
    const names = tools.flatMap(({ name, builtIn }) => (builtIn ? [quoted(name)] : []))
    if (names.length === 0) return own.length > 0 ? own : undefined
    const builtIn = `${this.import('builtInTools', 'troupe/tools')}(${names.join(', ')})`
    if (own.length === 0) return new Expression(builtIn)
    return [...own, new Expression(`...Object.values(${builtIn})`)]
  }

  /** Tools that look the same are one constant. */
  #tool(tool: Tool): Expression {
    const key = JSON.stringify(tool)
    const known = this.#tools.get(key)
    if (known) return known
    const { name, description, effect, approval } = tool
    const missing = `The code of the tool '${name}' is yours, with the schemas of its input and output.`
    const decides = `The code that decides which calls of '${name}' a person approves is yours.`
    const options = {
      name,
      description,
      inputSchema: new Expression(`${this.import('z', 'zod')}.looseObject({})`),
      ...(effect === 'durable' ? { durable: true } : { effect }),
      needsApproval: approval === 'never' ? undefined : true,
      execute: new Expression(
        `async () => {\n  throw new Error(${quoted(`The code of the tool ${name} is missing.`)})\n}`,
      ),
    }
    const written = this.constant(
      this.#identifier(name, 'Tool'),
      `${this.import('defineTool')}(${literal(options)})`,
      approval === 'sometimes' ? [missing, decides] : [missing],
    )
    this.#tools.set(key, written)
    return written
  }

  /** Returns a name that is not used. It ends with its kind, so that it is no keyword of the language. */
  #identifier(name: string, kind: 'Agent' | 'Tool'): string {
    const words = name.match(/\p{ID_Continue}+/gu) ?? []
    const upper = words.map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`).join('')
    const joined = `${upper.charAt(0).toLowerCase()}${upper.slice(1)}`
    const start = /^\p{ID_Start}/u.test(joined) ? joined : `_${joined}`
    const base = start.endsWith(kind) ? start : `${start}${kind}`
    let free = base
    for (let n = 2; this.#used.has(free); n++) free = `${base}${n}`
    this.#used.add(free)
    return free
  }
}

type Agents = ReadonlyMap<string, Expression>

function topologyOf(source: Source, topology: Runs.CanonicalTopology, agents: Agents): string {
  const pattern = patternOf(topology)
  if (pattern) {
    const options = { ...(written(pattern.options, agents) as object), config: pattern.config }
    return `${source.import('patterns')}.${pattern.name}(${literal(options)})`
  }
  const define = source.import('defineTopology')
  const all = [...agents.values()]
  const { flows, nodes, edges, missing } = flowsOf(topology)
  if (missing.length > 0) return `${define}(${literal(topology)}, ${literal({ agents: all })})`
  const options = { nodes, edges }
  const used = Object.fromEntries(Object.entries(options).filter(([, part]) => Object.keys(part).length > 0))
  return `${define}(${literal({ agents: all, flows, ...used, config: topology.config })})`
}

/** The function of a built-in agent that is not found as part of a pattern, as in a team inside a team. */
const missingOfRoles = (topology: Runs.CanonicalTopology): readonly string[] =>
  patternOf(topology)
    ? []
    : topology.nodes.flatMap(({ name, role }) =>
        role && ('code' in role || (role.kind === 'router' && typeof role.by !== 'string'))
          ? [`The code of the built-in agent '${name}' is yours: build its part of the team with a pattern.`]
          : [],
      )

/** Returns the options of a pattern with the constants of agents. */
function written(option: PatternOption, agents: Agents): unknown {
  if (typeof option !== 'object') return option
  if (Array.isArray(option)) return option.map((one) => written(one, agents))
  if ('agent' in option && typeof option.agent === 'string') return agents.get(option.agent)
  if ('code' in option && typeof option.code === 'string') {
    const comment = lineComment(`The code of \`${option.code}\` is yours.`)
    return new Expression(`() => {\n  ${comment}  throw new Error('The code of ${option.code} is missing.')\n}`)
  }
  return Object.fromEntries(Object.entries(option).map(([key, inner]) => [key, written(inner, agents)]))
}

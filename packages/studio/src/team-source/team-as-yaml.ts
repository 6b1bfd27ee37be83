/** Writes a team as the file that `troupe run` reads. The parts that such a file cannot have are comments. */
import { Document, isNode, Scalar, visit } from 'yaml'
import { replaceUnseen, visible } from '../visible.ts'
import { flowsOf } from './flows-of.ts'
import type { PatternOption } from './pattern-candidate.ts'
import { patternOf } from './pattern-of.ts'
import { type AgentDefinition, missingOfAgent, type SavedTeam } from './saved-team.ts'

const schema = 'yaml-language-server: $schema=./node_modules/troupe/team.schema.json'

interface Entry {
  readonly definition: AgentDefinition | undefined
  readonly comments: readonly string[]
}

export function teamAsYaml(team: SavedTeam): string {
  const { name, topology } = team
  const pattern = topology.nodes.some(({ role }) => role) ? undefined : patternOf(topology)
  const { missing, ...flows } = flowsOf(topology)
  const { policy, ...config } = (pattern ?? topology).config ?? {}
  const entries = entriesOf(team, pattern !== undefined)
  const document = new Document(
    {
      name,
      agents: Object.fromEntries([...entries].map(([agent, { definition }]) => [agent, agentOf(definition)])),
      ...(pattern ? { pattern: { [pattern.name]: withNames(pattern.options) } } : withoutEmpty(flows)),
      ...withoutEmpty({ config, policy }),
    },
    // Other readers than that of the command line take `yes` for true.
    { compat: 'yaml-1.1', aliasDuplicateObjects: false },
  )
  const isComplete = pattern !== undefined || missing.length === 0
  document.commentBefore = comment([schema, ...(isComplete ? [] : ['This file is not the complete team:', ...missing])])
  for (const [agent, { comments }] of entries) {
    const written = document.getIn(['agents', agent], true)
    if (isNode(written) && comments.length > 0) written.commentBefore = comment(comments)
  }
  return textOf(document)
}

/** Returns the agents by the names that the file uses: in a pattern their own, in flows those of their nodes. */
function entriesOf({ topology, definitions }: SavedTeam, hasPattern: boolean): ReadonlyMap<string, Entry> {
  const entries = new Map<string, Entry>()
  for (const { kind, name, agent = name, role } of topology.nodes) {
    if (kind !== 'agent') continue
    const definition = definitions.get(agent)
    const missing = role ? [] : missingOfAgent(agent, definition)
    const comments = definition ? [...missing, ...missingOfModel(agent, definition)] : missing
    entries.set(hasPattern ? agent : name, { definition, comments })
  }
  return entries
}

/** Writes the document. Characters that cannot be seen are escaped, which only strings in double quotes can be. */
function textOf(document: Document): string {
  visit(document, {
    Scalar(_, scalar) {
      if (typeof scalar.value === 'string' && visible(scalar.value) !== scalar.value) scalar.type = Scalar.QUOTE_DOUBLE
    },
  })
  const text = document.toString({ lineWidth: 0, doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER })
  return replaceUnseen(text, (codePoint) => `\\U${codePoint.toString(16).padStart(8, '0')}`)
}

const comment = (lines: readonly string[]) =>
  lines.map((line) => ` ${visible(line).replaceAll(/\s+/g, ' ')}`).join('\n')

const withoutEmpty = (parts: object) =>
  Object.fromEntries(Object.entries(parts).filter(([, part]) => part && Object.keys(part as object).length > 0))

function agentOf(definition: AgentDefinition | undefined): object {
  if (definition?.kind !== 'model') return { ...description(definition), instructions: '', ...rights(definition) }
  const { instructions = '', models, tools, options = {} } = definition
  const { memory, settings, policy, untrusted } = options
  return {
    ...description(definition),
    instructions,
    ...(models.length > 0 ? { model: models.length === 1 ? models[0] : models } : {}),
    ...withoutEmpty({ tools: tools.filter(({ builtIn }) => builtIn).map((tool) => tool.name) }),
    ...rights(definition),
    ...withoutEmpty({ memory, settings, policy }),
    ...(untrusted === undefined ? {} : { untrusted }),
  }
}

const description = (definition: AgentDefinition | undefined) =>
  definition?.description === undefined ? {} : { description: definition.description }

function rights(definition: AgentDefinition | undefined) {
  const { role, allow, deny } = definition ?? {}
  return Object.fromEntries(Object.entries({ role, allow, deny }).filter(([, right]) => right !== undefined))
}

function missingOfModel(agent: string, { kind, models, tools, options = {} }: AgentDefinition): readonly string[] {
  if (kind !== 'model') return []
  return [
    ...(models.length === 0
      ? [`The environment names the model of the agent '${agent}' (AGENT_MODEL): name it here.`]
      : []),
    ...tools.flatMap((tool) =>
      tool.builtIn ? [] : [`The code of the tool '${tool.name}' is yours: a team file has built-in tools only.`],
    ),
    ...['toolSelection', 'handOff'].flatMap((option) =>
      options[option] === undefined
        ? []
        : [`The option '${option}' is ${JSON.stringify(options[option])}, which a team file cannot have.`],
    ),
  ]
}

/** Returns the options of a pattern with the names of agents as strings. */
function withNames(option: PatternOption): unknown {
  if (typeof option !== 'object') return option
  if (Array.isArray(option)) return option.map(withNames)
  if ('agent' in option && typeof option.agent === 'string') return option.agent
  return Object.fromEntries(Object.entries(option).map(([key, inner]) => [key, withNames(inner)]))
}

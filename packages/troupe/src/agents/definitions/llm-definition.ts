/** The definition of an LlmAgent: its options, validated and in one form. */
import { type ContextClient, checkAgentName } from '../../context/index.ts'
import {
  asJson,
  checkOptions,
  checkSchema,
  failure,
  fieldOf,
  hashJson,
  type Json,
  jsonSchemaOf,
  listOf,
  modelSchemaOf,
  objectOf,
  readable,
  type Schema,
  show,
} from '../../core/index.ts'
import { type CallSettings, callSettingNames, type ModelSpec, problemOfSettings } from '../../models/index.ts'
import { checkInteger } from '../../resilience/index.ts'
import { type CompiledRule, compileRules, type PolicyRule } from '../../security/index.ts'
import { isTool, isToolSource, type Tool, type ToolSource } from '../../tools/index.ts'
import type { Agent, AgentAccess } from '../agent-port.ts'
import { type GuardrailsOptions, type ReadGuardrails, readGuardrails } from '../guardrails/guardrail.ts'
import { isCoordination } from '../model/coordination.ts'
import { skillsOf } from '../skills/load-skills.ts'
import { readSkillName, type Skill } from '../skills/skill.ts'
import { checkAgentAccess } from './define-agent.ts'
import { type InstructionsFile, isInstructionsFile, readInstructionsFile } from './instructions-file.ts'
import { checkMemory, type MemoryOptions } from './memory-options.ts'
import { type HandOffOptions, readHistory } from './routing.ts'

/** The settings of an LlmAgent: those of each model call, and the limits of a step. */
export interface ModelSettings extends CallSettings {
  /** The highest number of model calls of one step; 50 by default. */
  readonly maxTurns?: number
  /** The highest number of concurrent tool calls of one turn; 8 by default. */
  readonly maxParallelTools?: number
  /**
   * Answers equal prompts of one user from the cache of the troupe, whose entries last an hour unless `models.cache`
   * says otherwise; false by default.
   */
  readonly cache?: boolean
}

/** The argument of a function that returns instructions. */
export interface InstructionsAbout {
  /** The name of the agent. */
  readonly agent: string
  /** The input of the step. */
  readonly input: Json
  /** The context client of the step, with the rights of the agent. */
  readonly context: ContextClient
}
/** The system prompt: a text, or a function that is called once a step and whose text is recorded. */
export type Instructions = string | ((about: InstructionsAbout) => string | Promise<string>)

/** Ranks by `capabilities` in the task, by similarity of words or vectors, or by earlier performance for this user. */
export type SelectionKind = 'capabilities' | 'similarity' | 'performance'

/** Selects the tools that a step offers; the selection is recorded. Twenty by default if the kind ranks them. */
export type ToolSelection =
  | 'all'
  | SelectionKind
  | {
      /** The measure of the ranking. */
      readonly by: SelectionKind
      /** The number of tools that are offered; 20 by default. */
      readonly limit?: number
    }
  | ((about: {
      /** The input of the step as text. */
      readonly task: string
      /** The tools of the agent, without those that are denied to it. */
      readonly tools: readonly Tool[]
    }) => readonly (string | Tool)[] | Promise<readonly (string | Tool)[]>)

/** The options of an `LlmAgent`. */
export interface LlmAgentOptions<Out = unknown> extends AgentAccess {
  /** The name, unique in a topology; 1 to 256 bytes of UTF-8. `host` and `User` are reserved. */
  readonly name: string
  /** What the agent does: models that may invoke it, hand off to it or call it like a tool read this text. */
  readonly description?: string
  /** The system prompt; empty by default. A file is read when the agent is defined. */
  readonly instructions?: Instructions | InstructionsFile
  /** A model, or a list of a model and its fallbacks; `AGENT_MODEL` of the environment by default. */
  readonly model?: ModelSpec | readonly ModelSpec[]
  /** Tools and sources of tools, such as `defineMcpTools`; each source is read once a step. */
  readonly tools?: Readonly<Record<string, Tool | ToolSource>> | readonly (Tool | ToolSource)[]
  /** Agents that its model can call like tools, by their keys. */
  readonly agents?: Readonly<Record<string, Agent>> | readonly Agent[]
  /** What the agent remembers besides its thread, and how much of the thread it reads; by default the complete thread. */
  readonly memory?: MemoryOptions
  /** The schema of its answer. An answer that does not fit is requested again; absent, the answer is a text. */
  readonly output?: Schema<Out>
  /** The settings of its model calls and the limits of its steps. */
  readonly settings?: ModelSettings
  /** The selection of the tools that a step offers to the model; `all` by default. */
  readonly toolSelection?: ToolSelection
  /** The part of the thread that its hand-offs carry; `none` by default. */
  readonly handOff?: HandOffOptions
  /**
   * Allows, asks about or blocks its tool calls by the taint labels of their arguments, within the policy of the
   * troupe.
   */
  readonly policy?: readonly PolicyRule[]
  /**
   * `hide`: its model reads no value with an untrusted label. Handles replace such results of tools and helpers; the
   * model passes handles on, or asks about them with the tool `query_handle`. `read` by default.
   */
  readonly untrusted?: 'read' | 'hide'
  /** Checks of its input and of its output. See docs/agents.md. */
  readonly guardrails?: GuardrailsOptions
  /**
   * Instructions that its model reads when it needs them: skills, or folders as `loadSkills` reads them. `true` takes the
   * folders in `.agents/skills` of the working directory. Folders are read when the agent is defined.
   */
  readonly skills?: readonly (Skill | string)[] | true
}

export interface LlmDefinition {
  readonly name: string
  readonly description: string | undefined
  readonly instructions: Instructions
  readonly chain: readonly ModelSpec[]
  readonly tools: ReadonlyMap<string, Tool>
  readonly sources: readonly ToolSource[]
  readonly helpers: ReadonlyMap<string, Agent>
  readonly memory: MemoryOptions
  readonly output: Schema | undefined
  readonly settings: ModelSettings
  readonly toolSelection: ToolSelection
  readonly handOff: HandOffOptions
  readonly access: AgentAccess
  readonly policy: readonly PolicyRule[]
  /** The parsed `policy`. */
  readonly rules: readonly CompiledRule[]
  readonly untrusted: 'read' | 'hide'
  readonly guardrails: ReadGuardrails
  /** Undefined if the option is not set. A folder may have no skills now and may have had some when a step started. */
  readonly skills: readonly Skill[] | undefined
}

const known = [
  'name',
  'description',
  'instructions',
  'model',
  'tools',
  'agents',
  'memory',
  'output',
  'settings',
  'toolSelection',
  'handOff',
  'policy',
  'untrusted',
  'guardrails',
  'skills',
  'role',
  'allow',
  'deny',
] as const
const knownSettings = [...callSettingNames, 'maxTurns', 'maxParallelTools', 'cache'] as const

/** The highest number of tools, or of agents, of one definition. */
const maxEntries = 10_000

/** The highest number of models of one chain. */
const maxModels = 100

function chainOf(name: string, model: NonNullable<LlmAgentOptions['model']>): readonly ModelSpec[] {
  const isChain = readable(`The model of ${name}`, () => Array.isArray(model))
  return isChain ? listOf(`The models of ${name}`, model as readonly ModelSpec[], maxModels) : [model as ModelSpec]
}

/** @throws ValidationError for options that are not a plain object, cannot be read, or are unknown */
export const checkDefinitionOptions = (where: string, options: Partial<LlmAgentOptions>): void =>
  checkOptions(where, options, known)

/** @throws ValidationError naming the option */
export function createDefinition(options: LlmAgentOptions): LlmDefinition {
  checkOptions('LlmAgent', options, known)
  const name = checkAgentName(options.name)
  const model = options.model
  const chain = model === undefined ? [] : chainOf(name, model)
  if (model !== undefined && chain.length === 0)
    throw failure('agent.wrong', { agent: name, problem: 'its list of models is empty' })
  for (const spec of chain) checkModel(name, spec)
  const { memory = {}, settings = {}, instructions: textOrFile = '', output, description } = options
  const instructions = isInstructionsFile(textOrFile) ? readInstructionsFile(name, textOrFile) : textOrFile
  checkMemory(memory)
  checkSchema(`The output of ${name}`, output)
  if (output) modelSchemaOf(output, `The output of ${name}`)
  if (description !== undefined && typeof description !== 'string')
    throw failure('agent.wrong', { agent: name, problem: 'its description is not a text' })
  if (typeof instructions !== 'string' && typeof instructions !== 'function')
    throw failure('agent.wrong', {
      agent: name,
      problem: 'its instructions are neither a text, a function nor { file }',
    })
  const { policy = [], untrusted = 'read' } = options
  if (untrusted !== 'read' && untrusted !== 'hide')
    throw failure('agent.wrong', { agent: name, problem: `untrusted is ${show(untrusted)}, neither read nor hide` })
  const rules = compileRules(policy, `the agent ${name}`)
  const selection = checkSelection(name, options.toolSelection ?? 'all')
  const tools = new Map<string, Tool>()
  const sources: ToolSource[] = []
  for (const [key, tool] of entriesOf<Tool | ToolSource>(name, 'tools', options.tools))
    if (isToolSource(tool)) putSource(name, sources, key, tool)
    else putTool(name, tools, key, tool)
  const helpers = new Map<string, Agent>()
  for (const [key, helper] of entriesOf(name, 'agents', options.agents)) {
    if (typeof fieldOf(helper, 'step') !== 'function')
      throw failure('agent.wrong', { agent: name, problem: `agents.${key} is not an agent` })
    // The model sees the description, as it sees that of a tool.
    if (helper.inputSchema) modelSchemaOf(helper.inputSchema, `The inputSchema of ${helper.name}`)
    const toolName = key.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 64)
    checkFree(name, 'an agent', toolName)
    if (tools.has(toolName) || helpers.has(toolName))
      throw failure('agent.wrong', { agent: name, problem: `${toolName} is named twice` })
    helpers.set(toolName, helper)
  }
  const skills = options.skills === undefined ? undefined : skillsOf(name, options.skills)
  if (skills?.length && (tools.has(readSkillName) || helpers.has(readSkillName)))
    throw failure('agent.wrong', { agent: name, problem: `it has skills and a tool called ${readSkillName}` })
  return {
    name,
    description,
    instructions,
    chain: Object.freeze([...chain]),
    tools,
    sources: Object.freeze(sources),
    helpers,
    memory: Object.freeze({ ...memory }),
    output,
    settings: checkSettings(name, settings),
    toolSelection: selection,
    handOff: Object.freeze({ history: readHistory(`handOff of ${name}`, options.handOff ?? {}) }),
    access: checkAgentAccess(options, name, [...tools.keys(), ...helpers.keys()]),
    policy: Object.freeze([...policy]),
    rules,
    untrusted,
    guardrails: readGuardrails(name, options.guardrails),
    skills,
  }
}

/** Validates a model as far as possible without its provider. */
function checkModel(agent: string, spec: ModelSpec): void {
  const wrong = (problem: string) => failure('agent.wrong', { agent, problem })
  if (typeof spec === 'string' && spec !== '') return
  const isObject = typeof spec === 'object' && spec !== null
  readable(`The model of ${agent}`, () => isObject && Reflect.ownKeys(spec))
  if (isObject && 'url' in spec) {
    checkOptions(`the model of ${agent}`, spec, ['url', 'model', 'apiKey', 'settings'])
    checkSettingsOfModel(agent, spec.settings)
    for (const [option, value] of Object.entries(spec))
      if (option !== 'settings' && value !== undefined && typeof value !== 'string')
        throw wrong(`the ${option} of its model is not a text`)
    if (!spec.model) throw wrong('its model has a url and no model')
    return
  }
  if (isObject && 'settings' in spec) {
    checkOptions(`the model of ${agent}`, spec, ['model', 'settings'])
    checkSettingsOfModel(agent, spec.settings)
    checkModel(agent, spec.model)
    return
  }
  if (!isObject || !('specificationVersion' in spec))
    throw wrong("its model is neither 'provider/model', an AI SDK model object nor { url, model, apiKey }")
}

function checkSettingsOfModel(agent: string, settings: CallSettings | undefined): void {
  checkOptions(`the settings of the model of ${agent}`, settings ?? {}, callSettingNames)
  const problem = problemOfSettings(settings ?? {})
  if (problem !== undefined)
    throw failure('agent.wrong', { agent, problem: `the settings of its model are wrong: ${problem}` })
}

function checkSelection(agent: string, selection: ToolSelection): ToolSelection {
  if (selection === 'all' || typeof selection === 'function') return selection
  const by = typeof selection === 'object' && selection !== null ? selection.by : selection
  if (!['capabilities', 'similarity', 'performance'].includes(by))
    throw failure('agent.wrong', {
      agent,
      problem: `toolSelection is ${show(by)}, not all, capabilities, similarity, performance or a function`,
    })
  if (typeof selection !== 'object') return selection
  checkOptions('toolSelection', selection, ['by', 'limit'])
  if (selection.limit !== undefined) checkInteger('toolSelection', 'limit', selection.limit)
  return Object.freeze({ ...selection })
}

function entriesOf<T extends { readonly name: string }>(
  agent: string,
  option: string,
  entries: Readonly<Record<string, T>> | readonly T[] | undefined,
): [string, T][] {
  if (entries === undefined) return []
  if (typeof entries !== 'object' || entries === null)
    throw failure('agent.wrong', { agent, problem: `its ${option} are neither a list nor an object` })
  const isList = readable(`The ${option} of ${agent}`, () => Array.isArray(entries))
  if (!isList) return Object.entries(objectOf(`The ${option} of ${agent}`, entries as Readonly<Record<string, T>>))
  const list = listOf(`The ${option} of ${agent}`, entries as readonly (T | null)[], maxEntries)
  // A hole is rejected like any other wrong item, and an item without a name is named by its place.
  return Array.from(list, (item, index) => [show(fieldOf(item, 'name') || index), item as T])
}

/** @throws ValidationError for the name of a coordination tool */
function checkFree(agent: string, what: string, name: string): void {
  if (!isCoordination(name)) return
  const problem = `${what} may not be called ${name}: that is how models say where a run goes`
  throw failure('agent.wrong', { agent, problem })
}

/** A tool in a record is offered with its key as name. */
export function putTool(agent: string, tools: Map<string, Tool>, key: string, tool: Tool): void {
  const wrong = (problem: string) => failure('agent.wrong', { agent, problem })
  if (!isTool(tool)) {
    const isAgent = typeof fieldOf(tool, 'step') === 'function'
    throw wrong(`tools.${key} ${isAgent ? 'is an agent: name it in agents' : 'was not made by defineTool'}`)
  }
  if (!/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/.test(key))
    throw wrong(`the tool name ${key} must be 1 to 64 letters, digits, _ and -`)
  checkFree(agent, 'a tool', key)
  if (tools.has(key)) throw wrong(`it has two tools called ${key}`)
  tools.set(key, key === tool.name ? tool : Object.freeze({ ...tool, name: key }))
}

/** Adds a source, whose name is part of the names of its tools; so its key must be that name. */
function putSource(agent: string, sources: ToolSource[], key: string, source: ToolSource): void {
  const wrong = (problem: string) => failure('agent.wrong', { agent, problem })
  if (key !== source.name) throw wrong(`tools.${key} is the source ${source.name}: give it that name, or a list`)
  if (sources.some(({ name }) => name === key)) throw wrong(`it has two sources of tools called ${key}`)
  sources.push(source)
}

function checkSettings(agent: string, settings: ModelSettings): ModelSettings {
  checkOptions('settings', settings, knownSettings)
  const within = (field: 'maxTurns' | 'maxParallelTools', highest: number) => {
    const value = settings[field]
    if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= highest)) return
    const problem = `settings.${field} is ${show(value)}, not a whole number from 1 to ${highest}`
    throw failure('agent.wrong', { agent, problem })
  }
  within('maxTurns', 10_000)
  within('maxParallelTools', 1_000)
  const problem = problemOfSettings(settings)
  if (problem !== undefined) throw failure('agent.wrong', { agent, problem: `settings.${problem}` })
  const { cache } = settings
  if (cache !== undefined && typeof cache !== 'boolean')
    throw failure('agent.wrong', { agent, problem: `settings.cache is ${show(cache)}, neither true nor false` })
  return Object.freeze({ ...settings })
}

/** Returns the fingerprint of the settings and of the visible code. */
export function fingerprintOf(definition: LlmDefinition, modelNames: readonly string[]): string {
  const tools = [...definition.tools.values()].map((tool) => [
    tool.name,
    tool.description,
    tool.parameters,
    tool.effect,
    String(tool.execute),
    ...(tool.hide || tool.policy || tool.declassify ? [flowsOf(tool)] : []),
  ])
  return hashJson([
    definition.name,
    String(definition.instructions),
    [...modelNames],
    tools as Json,
    [...definition.helpers].map(([key, helper]) => [key, helper.fingerprint]),
    (definition.output && jsonSchemaOf(definition.output)) ?? null,
    { ...definition.settings } as unknown as Json,
    memoryOf(definition.memory),
    ...definition.sources.map(({ name, settings }) => [name, settings]),
    ...guardrailsOf(definition.guardrails),
    ...(definition.skills?.length ? [asJson(definition.skills)] : []),
    ...(definition.untrusted === 'hide' || definition.policy.length > 0
      ? [{ untrusted: definition.untrusted, policy: asJson(definition.policy) }]
      : []),
  ])
}

const memoryOf = ({ compaction, ...memory }: MemoryOptions): Json => {
  const by = compaction && typeof compaction.by === 'function' ? { by: String(compaction.by) } : {}
  return { ...memory, ...(compaction ? { compaction: { ...compaction, ...by } } : {}) } as Json
}

const guardrailsOf = ({ input, output }: ReadGuardrails): Json[] =>
  [...input, ...output].map(({ direction, name, when, onTrip, check }) => {
    return [direction, name, when, onTrip, typeof check === 'function' ? String(check) : check.fingerprint]
  })

const flowsOf = ({ hide, policy = [], declassify = [] }: Tool): Json =>
  JSON.parse(
    JSON.stringify({ hide: hide ?? false, policy: policy.map(({ when, do: outcome }) => [when, outcome]), declassify }),
  ) as Json

/** What an LlmAgent is: its options, checked and in one form. */
import { type ContextHands, checkAgentName } from '../context/index.ts'
import { checkOptions, failure, hashJson, type Json, jsonSchemaOf, type Schema } from '../core/index.ts'
import type { ModelSpec } from '../models/index.ts'
import { isTool, type Tool } from '../tools/index.ts'
import type { Access, Agent } from './agent-port.ts'
import { isCoordination } from './coordination.ts'
import { accessOf } from './define-agent.ts'

export interface ModelSettings {
  readonly maxOutputTokens?: number
  /** 0 to 2. */
  readonly temperature?: number
  readonly topP?: number
  readonly stop?: readonly string[]
  readonly seed?: number
  /** Model calls of one step at most; 50 by default. */
  readonly maxTurns?: number
  /** Tools of one turn that run at once; 8 by default. */
  readonly maxParallelTools?: number
  /** Equal questions of one user are answered from the cache, for an hour. */
  readonly cache?: boolean
}

export interface MemoryOptions {
  /** Of the conversation, the newest so many tokens are sent; the rest stays stored and is pointed to. */
  readonly maxTokens?: number
  /** Facts that stand in every prompt. */
  readonly pinned?: readonly string[]
}

export interface InstructionsAbout {
  readonly agent: string
  readonly input: Json
  readonly context: ContextHands
}
export type Instructions = string | ((about: InstructionsAbout) => string | Promise<string>)

/** Which of its tools a step offers: all, those whose capabilities or words fit the task, or a choice of one's own. */
export type ToolSelection =
  | 'all'
  | 'capabilities'
  | 'similarity'
  | ((about: {
      readonly task: string
      readonly tools: readonly Tool[]
    }) => readonly (string | Tool)[] | Promise<readonly (string | Tool)[]>)

export interface LlmAgentOptions extends Access {
  readonly name: string
  readonly description?: string
  readonly instructions?: Instructions
  /** One, or a list in which each stands in for those before it; `AGENT_MODEL` of the environment by default. */
  readonly model?: ModelSpec | readonly ModelSpec[]
  readonly tools?: Readonly<Record<string, Tool>> | readonly Tool[]
  /** Agents that it may call like tools, each by its key. */
  readonly agents?: Readonly<Record<string, Agent>> | readonly Agent[]
  readonly memory?: MemoryOptions
  /** The form of its answer. */
  readonly output?: Schema
  readonly settings?: ModelSettings
  readonly toolSelection?: ToolSelection
}

export interface LlmDefinition {
  readonly name: string
  readonly description: string | undefined
  readonly instructions: Instructions
  readonly chain: readonly ModelSpec[]
  readonly tools: ReadonlyMap<string, Tool>
  readonly helpers: ReadonlyMap<string, Agent>
  readonly memory: MemoryOptions
  readonly output: Schema | undefined
  readonly settings: ModelSettings
  readonly toolSelection: ToolSelection
  readonly access: Access
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
  'role',
  'allow',
  'deny',
]
const knownSettings = [
  'maxOutputTokens',
  'temperature',
  'topP',
  'stop',
  'seed',
  'maxTurns',
  'maxParallelTools',
  'cache',
]

/** @throws ValidationError naming the option */
export function createDefinition(options: LlmAgentOptions): LlmDefinition {
  checkOptions('LlmAgent', options, known)
  const name = checkAgentName(options.name)
  const model = options.model
  const chain = model === undefined ? [] : Array.isArray(model) ? (model as readonly ModelSpec[]) : [model as ModelSpec]
  if (Array.isArray(model) && model.length === 0)
    throw failure('agent.wrong', { agent: name, problem: 'its list of models is empty' })
  checkOptions('memory', options.memory ?? {}, ['maxTokens', 'pinned'])
  const selection = options.toolSelection ?? 'all'
  if (typeof selection !== 'function' && !['all', 'capabilities', 'similarity'].includes(selection))
    throw failure('agent.wrong', {
      agent: name,
      problem: `toolSelection is ${String(selection)}, not all, capabilities, similarity or a function`,
    })
  const tools = new Map<string, Tool>()
  for (const [key, tool] of entriesOf(options.tools)) putTool(name, tools, key, tool)
  const helpers = new Map<string, Agent>()
  for (const [key, helper] of entriesOf(options.agents)) {
    if (typeof helper?.step !== 'function')
      throw failure('agent.wrong', { agent: name, problem: `agents.${key} is no agent` })
    const toolName = key.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 64)
    if (tools.has(toolName) || helpers.has(toolName))
      throw failure('agent.wrong', { agent: name, problem: `${toolName} is named twice` })
    helpers.set(toolName, helper)
  }
  return {
    name,
    description: options.description,
    instructions: options.instructions ?? '',
    chain: Object.freeze([...chain]),
    tools,
    helpers,
    memory: Object.freeze({ ...options.memory }),
    output: options.output,
    settings: checkSettings(name, options.settings ?? {}),
    toolSelection: selection,
    access: accessOf(options, name),
  }
}

function entriesOf<T extends { readonly name: string }>(
  given: Readonly<Record<string, T>> | readonly T[] | undefined,
): [string, T][] {
  if (given === undefined) return []
  return Array.isArray(given)
    ? given.map((item: T) => [item.name, item])
    : Object.entries(given as Readonly<Record<string, T>>)
}

/** A tool in a record is offered under its key. */
export function putTool(agent: string, tools: Map<string, Tool>, key: string, tool: Tool): void {
  const wrong = (problem: string) => failure('agent.wrong', { agent, problem })
  if (!isTool(tool)) throw wrong(`tools.${key} was not made by defineTool`)
  if (!/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/.test(key))
    throw wrong(`the tool name ${key} must be 1 to 64 letters, digits, _ and -`)
  if (isCoordination(key)) throw wrong(`a tool may not be called ${key}: that is how models say where a run goes`)
  if (tools.has(key)) throw wrong(`it has two tools called ${key}`)
  tools.set(key, key === tool.name ? tool : Object.freeze({ ...tool, name: key }))
}

function checkSettings(agent: string, settings: ModelSettings): ModelSettings {
  checkOptions('settings', settings, knownSettings)
  const within = (field: keyof ModelSettings, lowest: number, highest: number, whole: boolean) => {
    const value = settings[field]
    if (value === undefined) return
    if (typeof value !== 'number' || !(value >= lowest && value <= highest) || (whole && !Number.isInteger(value)))
      throw failure('agent.wrong', {
        agent,
        problem: `settings.${field} is ${String(value)}, not ${whole ? 'a whole number' : 'a number'} from ${lowest} to ${highest}`,
      })
  }
  within('maxOutputTokens', 1, Number.MAX_SAFE_INTEGER, true)
  within('temperature', 0, 2, false)
  within('topP', 0, 1, false)
  within('seed', Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, true)
  within('maxTurns', 1, 10_000, true)
  within('maxParallelTools', 1, 1_000, true)
  const { cache, stop } = settings
  if (cache !== undefined && typeof cache !== 'boolean')
    throw failure('agent.wrong', { agent, problem: `settings.cache is ${String(cache)}, neither true nor false` })
  if (stop !== undefined && !(Array.isArray(stop) && stop.every((text) => typeof text === 'string' && text !== '')))
    throw failure('agent.wrong', { agent, problem: 'settings.stop is no list of texts' })
  return Object.freeze({ ...settings })
}

/** Of the settings and of the code as far as it can be seen. */
export function fingerprintOf(definition: LlmDefinition, modelNames: readonly string[]): string {
  const tools = [...definition.tools.values()].map((tool) => [
    tool.name,
    tool.description,
    tool.parameters,
    tool.effect,
    String(tool.execute),
  ])
  return hashJson([
    definition.name,
    String(definition.instructions),
    [...modelNames],
    tools as Json,
    [...definition.helpers].map(([key, helper]) => [key, helper.fingerprint]),
    (definition.output && jsonSchemaOf(definition.output)) ?? null,
    { ...definition.settings } as Json,
    { ...definition.memory } as Json,
  ])
}

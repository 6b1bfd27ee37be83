/**
 * An agent that calls a language model. It is a definition without state: it is frozen at its first use, and one object
 * can serve any number of branches, threads and users at once.
 */
import { failure, fieldOf, type Schema, show } from '../../core/index.ts'
import type { ModelSpec } from '../../models/index.ts'
import type { Tool } from '../../tools/index.ts'
import type { Agent, AgentAccess, AgentTypes, Outcome, StepEntry } from '../agent-port.ts'
import type { Guardrail, ReadGuardrail } from '../guardrails/guardrail.ts'
import { llmStep } from '../model/llm-step.ts'
import {
  checkDefinitionOptions,
  createDefinition,
  fingerprintOf,
  type LlmAgentOptions,
  type LlmDefinition,
  putTool,
} from './llm-definition.ts'

interface AgentState {
  /** Can change only before the first use. */
  definition: LlmDefinition
  isFrozen: boolean
  /** The fingerprint, once the definition cannot change. */
  fingerprint?: string
}

/** Not exported, so that an application cannot access the state. */
const state: unique symbol = Symbol('state')

export const definitionOf = (agent: BaseLlmAgent): LlmDefinition => agent[state].definition

/** Ends the time in which `addTool` may change the agent; called at its first use. */
export function freezeAgent(agent: BaseLlmAgent): void {
  agent[state].isFrozen = true
}

/** The base of `LlmAgent`, which adds `chat`, a call in a temporary troupe. */
export class BaseLlmAgent<Out = unknown> implements Agent<unknown, Out> {
  declare readonly types?: AgentTypes<unknown, Out>;
  [state]: AgentState

  /** @throws ValidationError naming the invalid option */
  constructor(options: LlmAgentOptions<Out>) {
    this[state] = { definition: createDefinition(options), isFrozen: false }
  }

  get name(): string {
    return definitionOf(this).name
  }
  get description(): string {
    return definitionOf(this).description ?? ''
  }
  get access(): AgentAccess {
    return definitionOf(this).access
  }
  get toolNames(): readonly string[] {
    return [...definitionOf(this).tools.keys()]
  }
  get fingerprint(): string {
    const { definition, isFrozen, fingerprint } = this[state]
    if (fingerprint !== undefined) return fingerprint
    const made = fingerprintOf(definition, definition.chain.map(fingerprintOfModel))
    if (isFrozen) this[state].fingerprint = made
    return made
  }
  get outputSchema(): Schema | undefined {
    return definitionOf(this).output
  }

  /**
   * Adds a tool. Constructors of subclasses use it to offer their methods as tools.
   * @throws ValidationError `agent.frozen` after the first use
   * @example
   * class Librarian extends LlmAgent {
   *   constructor() {
   *     super({ name: 'Librarian', model: 'offline/extractive' })
   *     this.addTool(defineTool({ name: 'find', description: 'Finds a book.', inputSchema, execute: (input) => this.find(input) }))
   *   }
   * }
   */
  addTool(tool: Tool): this {
    const { definition, isFrozen } = this[state]
    const name = show(fieldOf(tool, 'name'))
    if (isFrozen) throw failure('agent.frozen', { agent: this.name, what: `the tool ${name}` })
    if (definition.helpers.has(name))
      throw failure('agent.wrong', { agent: this.name, problem: `${name} is named twice` })
    const tools = new Map(definition.tools)
    putTool(this.name, tools, name, tool)
    this[state] = { definition: { ...definition, tools }, isFrozen }
    return this
  }

  /**
   * Returns a changed copy of the same class that is not frozen. `tools` and `agents` replace the present ones.
   * @example const careful = researcher.with({ settings: { temperature: 0 } })
   */
  with(changes: Partial<LlmAgentOptions>): this {
    checkDefinitionOptions('LlmAgent.with', changes)
    const {
      tools,
      sources,
      helpers,
      chain,
      description,
      output,
      access,
      skills,
      guardrails,
      rules: _,
      ...rest
    } = definitionOf(this)
    const before: LlmAgentOptions = {
      ...rest,
      ...access,
      tools: { ...Object.fromEntries(tools), ...Object.fromEntries(sources.map((source) => [source.name, source])) },
      agents: Object.fromEntries(helpers),
      ...(chain.length > 0 ? { model: chain } : {}),
      ...(description === undefined ? {} : { description }),
      ...(output ? { output } : {}),
      ...(skills ? { skills } : {}),
      guardrails: { input: guardrails.input.map(optionsOf), output: guardrails.output.map(optionsOf) },
    }
    // The constructor of a subclass may have other parameters, so its fields are copied and the definition is replaced.
    const copy = Object.assign(Object.create(Object.getPrototypeOf(this)) as this, this)
    copy[state] = { definition: createDefinition({ ...before, ...changes }), isFrozen: false }
    return copy
  }

  step(entry: StepEntry): Promise<Outcome> {
    freezeAgent(this)
    return llmStep(definitionOf(this), entry)
  }
}

const optionsOf = ({ direction: _, ...guardrail }: ReadGuardrail): Guardrail => guardrail

function fingerprintOfModel(spec: ModelSpec): string {
  if (typeof spec === 'string') return spec
  const settings = 'settings' in spec && spec.settings ? ` ${JSON.stringify(spec.settings)}` : ''
  if ('url' in spec) return `${spec.url} ${spec.model}${settings}`
  return 'settings' in spec ? `${fingerprintOfModel(spec.model)}${settings}` : `${spec.provider} ${spec.modelId}`
}

/**
 * An agent that a language model carries out. A definition: it remembers nothing, is frozen at its first use, and one
 * object may serve any number of branches, threads and users at once.
 */
import { failure, type Schema } from '../core/index.ts'
import type { Tool } from '../tools/index.ts'
import type { Access, Agent, Outcome, StepEntry } from './agent-port.ts'
import { createDefinition, fingerprintOf, type LlmAgentOptions, type LlmDefinition, putTool } from './llm-definition.ts'
import { llmStep } from './llm-step.ts'

export class LlmAgent implements Agent {
  /** Read by those who run it; changed by `addTool` before the first use alone. */
  made: LlmDefinition
  /** True from the first use on. */
  frozen: boolean

  /** @throws ValidationError naming the option that is wrong */
  constructor(options: LlmAgentOptions) {
    this.made = createDefinition(options)
    this.frozen = false
  }

  get name(): string {
    return this.made.name
  }
  get description(): string {
    return this.made.description ?? ''
  }
  get access(): Access {
    return this.made.access
  }
  get toolNames(): readonly string[] {
    return [...this.made.tools.keys()]
  }
  get fingerprint(): string {
    return fingerprintOf(
      this.made,
      this.made.chain.map((spec) =>
        typeof spec === 'string'
          ? spec
          : 'url' in spec
            ? `${spec.url} ${spec.model}`
            : `${spec.provider} ${spec.modelId}`,
      ),
    )
  }
  get outputSchema(): Schema | undefined {
    return this.made.output
  }

  /**
   * Gives it another tool; for constructors of subclasses, whose methods become tools that way.
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
    if (this.frozen) throw failure('agent.frozen', { agent: this.name, what: `the tool ${String(tool?.name)}` })
    if (this.made.helpers.has(tool?.name))
      throw failure('agent.wrong', { agent: this.name, problem: `${tool.name} is named twice` })
    const tools = new Map(this.made.tools)
    putTool(this.name, tools, tool?.name, tool)
    this.made = { ...this.made, tools }
    return this
  }

  /**
   * A changed copy, of the same class, not frozen. `tools` and `agents` replace what was there.
   * @example const careful = researcher.with({ settings: { temperature: 0 } })
   */
  with(changes: Partial<LlmAgentOptions>): this {
    const { tools, sources, helpers, chain, description, output, access, ...rest } = this.made
    const before: LlmAgentOptions = {
      ...rest,
      ...access,
      tools: { ...Object.fromEntries(tools), ...Object.fromEntries(sources.map((source) => [source.name, source])) },
      agents: Object.fromEntries(helpers),
      ...(chain.length > 0 ? { model: chain } : {}),
      ...(description === undefined ? {} : { description }),
      ...(output ? { output } : {}),
    }
    // The constructor of a subclass takes what it likes: its fields are copied and the definition replaced.
    const copy = Object.assign(Object.create(Object.getPrototypeOf(this)) as this, this)
    copy.made = createDefinition({ ...before, ...changes })
    copy.frozen = false
    return copy
  }

  /** Called by whoever uses it first. */
  freeze(): void {
    this.frozen = true
  }

  step(entry: StepEntry): Promise<Outcome> {
    this.freeze()
    return llmStep(this.made, entry)
  }
}

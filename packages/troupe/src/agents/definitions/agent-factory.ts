/** Creates agents of registered kinds from their configuration. */
import { checkName, checkOptions, failure, fieldOf, nearest, show } from '../../core/index.ts'

/** The kinds with the type of their configuration: `{ research: { name: string } }`. */
type Kinds = Readonly<Record<string, unknown>>

/**
 * Creates agents of registered kinds from their configuration, for example from a parsed file.
 * @example
 * const factory = new AgentFactory()
 * factory.register('research', (config: { name: string }) => new LlmAgent({ name: config.name, model }))
 * const agent = await factory.create('research', { name: 'Ada' })
 */
export class AgentFactory<Agents = unknown, Known extends Kinds = Kinds> {
  readonly #makers = new Map<string, (config: never) => Agents | Promise<Agents>>()

  /**
   * Registers the function that creates agents of a kind, and returns the factory with a type that knows the kind.
   * @throws ValidationError for a kind that is registered already
   */
  register<Kind extends string, Config, Made extends Agents>(
    kind: Kind,
    make: (config: Config) => Made | Promise<Made>,
  ): AgentFactory<Agents, Known & Record<Kind, Config>> {
    checkName('agent', kind)
    if (this.#makers.has(kind))
      throw failure('agent.wrong', { agent: kind, problem: 'another agent is registered under this kind' })
    if (typeof make !== 'function')
      throw failure('agent.wrong', {
        agent: kind,
        problem: 'its second argument must be a function that makes an agent',
      })
    this.#makers.set(kind, make as (config: never) => Agents | Promise<Agents>)
    return this as AgentFactory<Agents, Known & Record<Kind, Config>>
  }

  /**
   * Creates an agent from a kind and its configuration, or from a spec that has both, such as a parsed file.
   * @throws ValidationError `agent.kind_unknown`, naming the known kinds, and `agent.wrong` if the function creates no agent;
   * the error of the creating function
   */
  async create<Kind extends keyof Known & string>(kind: Kind, config: Known[Kind]): Promise<Agents>
  /**
   * As `create(kind, config)`, for one object that has both.
   * @param spec.kind the registered kind
   * @param spec.config the configuration, the argument of the function that creates agents of the kind
   */
  async create<Kind extends keyof Known & string>(spec: {
    readonly kind: Kind
    readonly config: Known[Kind]
  }): Promise<Agents>
  async create(kindOrSpec: string | { readonly kind: string; readonly config: unknown }, factoryConfig?: unknown) {
    if (typeof kindOrSpec !== 'string') checkOptions('create', kindOrSpec, ['kind', 'config'])
    const { kind, config } = typeof kindOrSpec === 'string' ? { kind: kindOrSpec, config: factoryConfig } : kindOrSpec
    const make = this.#makers.get(kind)
    if (make) {
      const made = await make(config as never)
      if (typeof fieldOf(made, 'step') === 'function') return made
      throw failure('agent.wrong', {
        agent: kind,
        problem: 'its function creates no agent, as defineAgent and new LlmAgent do',
      })
    }
    const near = nearest(show(kind), this.#makers.keys())
    const known = `${this.kinds().join(', ') || 'none'}${near ? ` (did you mean ${near}?)` : ''}`
    throw failure('agent.kind_unknown', { kind: show(kind), known })
  }

  /** The registered kinds, in the order of their registration. */
  kinds(): readonly string[] {
    return [...this.#makers.keys()]
  }
}

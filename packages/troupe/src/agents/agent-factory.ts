/** Makes agents of registered kinds from their configuration. */
import { checkName, failure, nearest } from '../core/index.ts'

/** Kinds and what each is made from: `{ research: { name: string } }`. */
type Kinds = Readonly<Record<string, unknown>>

/**
 * @example
 * const factory = new AgentFactory()
 * factory.register('research', (config: { name: string }) => new LlmAgent({ name: config.name, model }))
 * const agent = await factory.create('research', { name: 'Ada' })
 */
export class AgentFactory<Agents = unknown, Known extends Kinds = Kinds> {
  readonly #makers = new Map<string, (config: never) => Agents | Promise<Agents>>()

  /** @throws ValidationError for a kind that is registered already */
  register<Kind extends string, Config, Made extends Agents>(
    kind: Kind,
    make: (config: Config) => Made | Promise<Made>,
  ): AgentFactory<Agents, Known & Record<Kind, Config>> {
    checkName('agent', kind)
    if (this.#makers.has(kind))
      throw failure('agent.wrong', { agent: kind, problem: 'this kind is registered already' })
    if (typeof make !== 'function')
      throw failure('agent.wrong', { agent: kind, problem: 'what makes it is no function' })
    this.#makers.set(kind, make as (config: never) => Agents | Promise<Agents>)
    return this as unknown as AgentFactory<Agents, Known & Record<Kind, Config>>
  }

  /** @throws ValidationError `agent.kind_unknown`, naming the known kinds */
  async create<Kind extends keyof Known & string>(kind: Kind, config: Known[Kind]): Promise<Agents> {
    const make = this.#makers.get(kind)
    if (make) return make(config as never)
    const near = nearest(kind, this.#makers.keys())
    const known = `${this.kinds().join(', ') || 'none'}${near ? ` (did you mean ${near}?)` : ''}`
    throw failure('agent.kind_unknown', { kind, known })
  }

  /** In the order in which they were registered. */
  kinds(): readonly string[] {
    return [...this.#makers.keys()]
  }
}

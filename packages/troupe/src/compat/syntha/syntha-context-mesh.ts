/**
 * `ContextMesh` of the guides: the context of one user for trusted code. It opens at its first call. A call without
 * `agent_name` acts as the application, which reads all entries of the user.
 */
import type { ContextClient, TopicInfo } from '../../context/index.ts'
import {
  checkOptions,
  checkText,
  type Duration,
  failure,
  invalidInput,
  isObject,
  type Json,
  readable,
} from '../../core/index.ts'
import { createTroupe, type Troupe, type User } from '../../startup/index.ts'
import { type MeshOptions, meshConfig } from './mesh-options.ts'
import { type RawArguments, toolArguments } from './tool-arguments.ts'
import { unsupported } from './unsupported.ts'

export interface StoreOptions {
  readonly subscribers?: readonly string[]
  readonly topics?: readonly string[]
  /** The time to live in seconds. At most one of the three fields may be present. */
  readonly ttl?: number | null
  readonly ttl_seconds?: number | null
  readonly ttl_hours?: number | null
  readonly lifecycle?: string
  /** The owner of the entry; the application if absent. */
  readonly agent_name?: string
}

const policies = 'who may post belongs to the topic: user.context.setTopicPolicy(topic, { post: [agents] })'

export class ContextMesh {
  readonly #open: () => Promise<{ readonly user: User; readonly troupe?: Troupe }>
  #opened: ReturnType<ContextMesh['open']> | undefined
  #troupe: Troupe | undefined
  #closed = false

  /**
   * @param source the guides' options, or a user of a troupe that is open already
   * @example await using mesh = new ContextMesh({ user_id: 'user_123', cleanup_interval: 300 })
   */
  constructor(source: MeshOptions | User = {}) {
    checkMesh('The argument of ContextMesh', source)
    if (isUser(source)) {
      this.#open = async () => ({ user: source })
      return
    }
    const config = meshConfig(source)
    this.#open = async () => {
      const troupe = await createTroupe(config)
      try {
        return { troupe, user: troupe.user(source.user_id ?? 'default') }
      } catch (error) {
        await troupe.close()
        throw error
      }
    }
  }

  /** @throws what opening the storage throws; the next call tries again */
  open(): Promise<User> {
    if (this.#closed && !this.#opened) return Promise.reject(failure('troupe.closed', { what: 'Opening the mesh' }))
    this.#opened ??= this.#open().then(
      ({ user, troupe }) => {
        this.#troupe = troupe
        return user
      },
      (error) => {
        this.#opened = undefined
        throw error
      },
    )
    return this.#opened
  }
  /** Closes the troupe if this object has opened it. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#opened?.catch(() => {})
    await this.#troupe?.close()
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #client(agent: string | undefined): Promise<ContextClient> {
    const user = await this.open()
    return agent === undefined ? user.context : user.agent(agent).context
  }

  async push(key: string, value: Json, options: StoreOptions = {}): Promise<void> {
    const known = ['subscribers', 'topics', 'ttl', 'ttl_seconds', 'ttl_hours', 'lifecycle', 'agent_name'] as const
    checkOptions('push', options, known)
    const { agent_name, ttl, ...rest } = toolArguments('push_context', options as RawArguments)
    const client = await this.#client(agent_name as string | undefined)
    await client.push(key, value, { ...rest, ...(ttl === undefined ? {} : { ttl: seconds(ttl) }) })
  }

  /** Returns a copy of the value; `default` or null if there is none. Without `agent_name` it reads as the application. */
  async get(
    key: string,
    options: string | { readonly agent_name?: string; readonly default?: Json } = {},
  ): Promise<Json> {
    const getOptions = typeof options === 'string' ? { agent_name: options } : options
    // With a misspelt option, the call would read as the application.
    checkOptions('get', getOptions, ['agent_name', 'default'])
    const { agent_name, default: otherwise = null } = getOptions
    const value = await (await this.#client(agent_name)).get(key)
    return value === undefined ? otherwise : value
  }

  async get_all_for_agent(agent_name: string): Promise<Readonly<Record<string, Json>>> {
    const entries = await Array.fromAsync(await (await this.#client(agent_name)).list({ limit: 1_000 }))
    return Object.fromEntries(entries.map(({ key, value }) => [key, value]))
  }
  get_keys_for_agent(agent_name: string): Promise<readonly string[]> {
    return this.#keys(agent_name)
  }
  /** Returns all keys of the user. */
  list_keys(): Promise<readonly string[]> {
    return this.#keys(undefined)
  }
  async #keys(agent: string | undefined): Promise<readonly string[]> {
    return Array.fromAsync(await (await this.#client(agent)).keys({ limit: 1_000 }))
  }
  async get_available_keys_by_topic(agent_name: string): Promise<Readonly<Record<string, readonly string[]>>> {
    const client = await this.#client(agent_name)
    const byTopic = new Map<string, string[]>((await client.topics()).map((topic) => [topic, []]))
    for await (const { key, audience } of await client.list({ limit: 1_000 })) {
      const topics = typeof audience === 'object' ? audience.topics : []
      for (const topic of topics.length > 0 ? topics : ['other'])
        byTopic.set(topic, [...(byTopic.get(topic) ?? []), key])
    }
    return Object.fromEntries(byTopic)
  }

  delete(key: string): Promise<boolean> {
    return this.remove(key)
  }
  async remove(key: string): Promise<boolean> {
    checkText('remove', key)
    return (await this.#client(undefined)).delete(key)
  }
  /** Deletes all entries and topics of the user. */
  async clear(): Promise<void> {
    const { context } = await this.open()
    await context.clear()
    for (const topic of await this.get_all_topics()) await context.deleteTopic(topic)
  }
  clear_all(): Promise<void> {
    return this.clear()
  }
  /** Returns the number of current entries, without expired ones. */
  async size(): Promise<number> {
    return (await this.open()).context.size()
  }
  async cleanup_expired(): Promise<number> {
    return (await this.open()).context.cleanup()
  }
  async get_stats() {
    const { entries, expired, bytes, topics } = await (await this.open()).context.stats()
    const subscribers = new Set((await this.#topics()).flatMap(({ names = [] }) => names))
    return {
      total_items: entries + expired,
      active_items: entries,
      expired_items: expired,
      memory_usage: bytes,
      total_topics: topics,
      agents_with_topics: subscribers.size,
    }
  }

  /** Replaces the subscriptions of the agent. */
  async register_agent_topics(agent_name: string, topics: readonly string[]): Promise<void> {
    const client = await this.#client(agent_name)
    await client.unsubscribe((await client.topics()).filter((topic) => !topics.includes(topic)))
    await client.subscribe(topics)
  }
  async unsubscribe_from_topics(agent_name: string, topics: readonly string[]): Promise<void> {
    await (await this.#client(agent_name)).unsubscribe(topics)
  }
  async get_topics_for_agent(agent_name: string): Promise<readonly string[]> {
    return (await this.#client(agent_name)).topics()
  }
  async get_subscribers_for_topic(topic: string): Promise<readonly string[]> {
    return (await this.#topics()).find((one) => one.topic === topic)?.names ?? []
  }
  async get_all_topics(): Promise<readonly string[]> {
    return (await this.#topics()).map(({ topic }) => topic)
  }
  /** @returns how many entries went with it */
  async delete_topic(topic: string): Promise<number> {
    return (await (await this.open()).context.deleteTopic(topic)).entriesDeleted
  }
  async can_agent_post_to_topic(agent_name: string, topic: string): Promise<boolean> {
    const seen = (await this.#topics(agent_name)).find((one) => one.topic === topic)
    return seen ? seen.mayPost : !(await this.get_all_topics()).includes(topic)
  }
  async #topics(agent?: string): Promise<readonly TopicInfo[]> {
    return Array.fromAsync(await (await this.#client(agent)).discoverTopics({ limit: 1_000, names: true }))
  }

  set_agent_post_permissions(): never {
    throw unsupported('set_agent_post_permissions', policies)
  }
  get_agent_post_permissions(): never {
    throw unsupported('get_agent_post_permissions', policies)
  }
  enable_performance_mode(): never {
    throw unsupported('enable_performance_mode', 'it has one mode, which is always on')
  }
  get_performance_stats(): never {
    throw unsupported('get_performance_stats', 'troupe.metrics has counts and durations of every event')
  }
}

function seconds(ttl: unknown): Duration {
  if (typeof ttl !== 'number' || !(ttl > 0)) throw invalidInput('ttl', 'it must be a number of seconds above zero')
  return `${Math.max(1, Math.round(ttl * 1_000))}ms`
}

const isUser = (source: MeshOptions | User): source is User =>
  readable('The argument of ContextMesh', () => 'orchestra' in source)

/** @throws ValidationError for what can't be a mesh, a user of a troupe, or options */
export function checkMesh(what: string, mesh: unknown): void {
  if (!isObject(mesh)) throw invalidInput(what, 'it is not a mesh, no user of a troupe, and no options of one')
}

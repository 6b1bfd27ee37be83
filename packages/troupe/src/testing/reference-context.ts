/**
 * A reference model of the context mesh of all users, as plain maps without storage, statements and concurrency. Tests
 * compare the real context mesh with it on random sequences.
 */
import { checkFunction, checkOptions, checkText } from '../core/index.ts'
import { checkTexts } from './check-fields.ts'
import { checkActor, checkPush, type ReferenceActor, type ReferencePush, roleRanks } from './reference-actor.ts'

interface Audience {
  readonly everyone: boolean
  readonly subscribers: readonly string[]
  readonly topics: readonly string[]
}
interface Version {
  readonly version: number
  readonly value: unknown
  readonly owner: string
  readonly audience: Audience
}
interface Entry extends Version {
  readonly born: number
  readonly revision: number
  readonly writers: 'owner' | 'readers' | readonly string[]
  readonly ttlMs: number | undefined
  readonly expiresAt: number | undefined
}
interface UserState {
  revision: number
  readonly entries: Map<string, Entry>
  readonly past: Map<string, Version[]>
  readonly last: Map<string, number>
  readonly subscriptions: Map<string, Set<string>>
  readonly topics: Set<string>
  readonly policies: Map<string, { readonly subscribe?: readonly string[]; readonly post?: readonly string[] }>
}

/** A rejected operation. */
export class ReferenceRejection extends Error {
  /** The code of the error that the real context mesh has for this rejection. */
  readonly code: string
  constructor(code: string) {
    checkText('ReferenceRejection', code)
    super(code)
    this.code = code
  }
}

const everyone: Audience = { everyone: true, subscribers: [], topics: [] }
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
/**
 * A reference model of the context mesh of all users, without storage and concurrency. Tests compare the real one with
 * it. Its methods throw `ReferenceRejection`.
 */
export class ReferenceContext {
  readonly #users = new Map<string, UserState>()
  readonly #now: () => number

  /** @param now ms since 1970 */
  constructor(now: () => number) {
    checkFunction('The clock of ReferenceContext', now)
    this.#now = now
  }

  #state(user: string): UserState {
    checkText('The user of ReferenceContext', user)
    const known = this.#users.get(user)
    if (known) return known
    const fresh: UserState = {
      revision: 0,
      entries: new Map(),
      past: new Map(),
      last: new Map(),
      subscriptions: new Map(),
      topics: new Set(),
      policies: new Map(),
    }
    this.#users.set(user, fresh)
    return fresh
  }

  #least(actor: ReferenceActor, role: keyof typeof roleRanks): void {
    checkActor(actor)
    if (roleRanks[actor.role] < roleRanks[role]) throw new ReferenceRejection('access.denied')
  }
  #isOver = (entry: Entry) => entry.expiresAt !== undefined && entry.expiresAt <= this.#now()
  #existing(state: UserState, key: string): Entry | undefined {
    const entry = state.entries.get(key)
    return entry && !this.#isOver(entry) ? entry : undefined
  }
  #sees(state: UserState, actor: ReferenceActor, entry: Pick<Version, 'owner' | 'audience'>): boolean {
    if (actor.role === 'host' || entry.owner === actor.agent || entry.audience.everyone) return true
    const subscribed = state.subscriptions.get(actor.agent) ?? new Set()
    return (
      entry.audience.subscribers.includes(actor.agent) || entry.audience.topics.some((topic) => subscribed.has(topic))
    )
  }
  #visible(actor: ReferenceActor, key: string): Entry | undefined {
    checkActor(actor)
    checkText('The key of ReferenceContext', key)
    const state = this.#state(actor.user)
    const entry = this.#existing(state, key)
    return entry && this.#sees(state, actor, entry) ? entry : undefined
  }
  #mayWrite(state: UserState, actor: ReferenceActor, entry: Entry): boolean {
    if (roleRanks[actor.role] >= roleRanks.admin || entry.owner === actor.agent) return true
    if (entry.writers === 'readers') return this.#sees(state, actor, entry)
    return entry.writers !== 'owner' && entry.writers.includes(actor.agent)
  }
  #mayPost(state: UserState, actor: ReferenceActor, topics: readonly string[]): boolean {
    return (
      actor.role === 'host' || topics.every((topic) => state.policies.get(topic)?.post?.includes(actor.agent) ?? true)
    )
  }

  /**
   * Writes an entry.
   * @throws ReferenceRejection `access.denied`, `context.denied`, `topic.closed`, `context.conflict`
   */
  push(
    actor: ReferenceActor,
    key: string,
    value: unknown,
    options: ReferencePush = {},
  ): {
    /** The version of the entry. */
    version: number
    /** The revision of the user's context. */
    revision: number
  } {
    this.#least(actor, 'contributor')
    checkText('The key of ReferenceContext', key)
    checkPush(options)
    const state = this.#state(actor.user)
    const existing = this.#existing(state, key)
    if (existing && !this.#mayWrite(state, actor, existing)) throw new ReferenceRejection('context.denied')
    const { audience, subscribers, topics } = options
    const named = audience !== undefined || subscribers !== undefined || topics !== undefined
    const foreign = existing !== undefined && existing.owner !== actor.agent && roleRanks[actor.role] < roleRanks.admin
    if (foreign && (named || options.writers !== undefined)) throw new ReferenceRejection('context.denied')
    const wanted: Audience = { everyone: audience === 'everyone', subscribers: subscribers ?? [], topics: topics ?? [] }
    const next = named ? wanted : (existing?.audience ?? everyone)
    if (!this.#mayPost(state, actor, next.topics))
      throw new ReferenceRejection(named ? 'topic.closed' : 'context.denied')
    if (options.ifVersion !== undefined && options.ifVersion !== (existing?.version ?? 0))
      throw new ReferenceRejection('context.conflict')
    this.#end(state, key)
    const version = (state.last.get(key) ?? 0) + 1
    const ttlMs = options.ttlMs ?? existing?.ttlMs
    state.revision++
    state.last.set(key, version)
    state.entries.set(key, {
      version,
      value,
      born: existing?.born ?? version,
      owner: existing?.owner ?? actor.agent,
      audience: next,
      revision: state.revision,
      writers: options.writers ?? existing?.writers ?? 'owner',
      ttlMs,
      expiresAt: ttlMs === undefined ? undefined : this.#now() + ttlMs,
    })
    for (const topic of wanted.topics) state.topics.add(topic)
    return { version, revision: state.revision }
  }

  /** Moves the entry to the past versions of its key. */
  #end(state: UserState, key: string): void {
    const entry = state.entries.get(key)
    if (entry) state.past.set(key, [...(state.past.get(key) ?? []), entry])
    state.entries.delete(key)
  }

  /** Returns the value that the actor sees; undefined if it sees none. */
  get(actor: ReferenceActor, key: string): unknown {
    return this.#visible(actor, key)?.value
  }
  /** Returns the entry that the actor sees; undefined if it sees none. */
  entry(actor: ReferenceActor, key: string) {
    const entry = this.#visible(actor, key)
    return (
      entry && {
        /** The value. */
        value: entry.value,
        /** The version, from 1. */
        version: entry.version,
        /** The revision of the user's context at the last change of the entry. */
        revision: entry.revision,
        /** The agent that created the entry. */
        owner: entry.owner,
        /** The time of the expiry in ms since 1970; undefined if the entry does not expire. */
        expiresAt: entry.expiresAt,
      }
    )
  }
  /**
   * Returns the keys that the actor sees, in the order of their bytes.
   * @param filter.topics only entries of one of these topics; all by default
   * @param filter.matches only keys for which the function returns true; all by default
   */
  keys(
    actor: ReferenceActor,
    filter: { readonly topics?: readonly string[]; readonly matches?: (key: string) => boolean } = {},
  ): string[] {
    checkActor(actor)
    checkOptions('ReferenceContext.keys', filter, ['topics', 'matches'])
    const { topics, matches = () => true } = filter
    checkTexts('ReferenceContext.keys.topics', topics)
    checkFunction('ReferenceContext.keys.matches', matches)
    return [...this.#state(actor.user).entries.keys()]
      .filter((key) => {
        const entry = matches(key) ? this.#visible(actor, key) : undefined
        return (
          entry !== undefined && (topics === undefined || topics.some((topic) => entry.audience.topics.includes(topic)))
        )
      })
      .sort(byBytes)
  }
  /** Returns the versions of an entry that the actor may read, in ascending order. */
  history(actor: ReferenceActor, key: string): number[] {
    checkActor(actor)
    const state = this.#state(actor.user)
    const entry = this.#visible(actor, key)
    if (!entry && actor.role !== 'host') return []
    const past = (state.past.get(key) ?? []).filter(
      (version) => (entry && version.version >= entry.born) || this.#sees(state, actor, version),
    )
    return [...past.map(({ version }) => version), ...(entry ? [entry.version] : [])]
  }

  /**
   * Deletes an entry. Returns false if the actor sees none.
   * @throws ReferenceRejection `access.denied`, `context.denied`, `context.conflict`
   */
  delete(actor: ReferenceActor, key: string, ifVersion?: number): boolean {
    this.#least(actor, 'contributor')
    const state = this.#state(actor.user)
    const entry = this.#visible(actor, key)
    if (!entry) return false
    if (entry.owner !== actor.agent && roleRanks[actor.role] < roleRanks.moderator)
      throw new ReferenceRejection('context.denied')
    if (ifVersion !== undefined && ifVersion !== entry.version) throw new ReferenceRejection('context.conflict')
    this.#end(state, key)
    state.revision++
    return true
  }

  /**
   * Subscribes the actor to topics.
   * @throws ReferenceRejection `access.denied`, `topic.closed`
   */
  subscribe(actor: ReferenceActor, topics: readonly string[]): void {
    this.#least(actor, 'contributor')
    checkTexts('The topics of ReferenceContext', topics ?? null)
    const state = this.#state(actor.user)
    const current = state.subscriptions.get(actor.agent) ?? new Set<string>()
    const added = [...new Set(topics)].filter((topic) => !current.has(topic))
    if (
      actor.role !== 'host' &&
      added.some((topic) => !(state.policies.get(topic)?.subscribe?.includes(actor.agent) ?? true))
    )
      throw new ReferenceRejection('topic.closed')
    if (added.length === 0) return
    state.subscriptions.set(actor.agent, new Set([...current, ...added]))
    for (const topic of added) state.topics.add(topic)
    state.revision++
  }
  /**
   * Ends subscriptions of the actor.
   * @throws ReferenceRejection `access.denied`
   */
  unsubscribe(actor: ReferenceActor, topics: readonly string[]): void {
    this.#least(actor, 'contributor')
    checkTexts('The topics of ReferenceContext', topics ?? null)
    const state = this.#state(actor.user)
    const current = state.subscriptions.get(actor.agent) ?? new Set<string>()
    if (!topics.some((topic) => current.has(topic))) return
    state.subscriptions.set(actor.agent, new Set([...current].filter((topic) => !topics.includes(topic))))
    state.revision++
  }
  /** Returns the topics to which the actor is subscribed, in the order of their bytes. */
  topics(actor: ReferenceActor): string[] {
    checkActor(actor)
    return [...(this.#state(actor.user).subscriptions.get(actor.agent) ?? [])].sort(byBytes)
  }

  /**
   * Sets which agents may subscribe to a topic and post to it, as the application. Subscriptions that it does not allow
   * end.
   * @param policy.subscribe the names of the agents that may subscribe; all agents by default
   * @param policy.post the names of the agents that may post; all agents by default
   */
  setTopicPolicy(
    user: string,
    topic: string,
    policy: { readonly subscribe?: readonly string[]; readonly post?: readonly string[] },
  ): void {
    checkText('The topic of ReferenceContext', topic)
    checkOptions('ReferenceContext.setTopicPolicy', policy, ['subscribe', 'post'])
    for (const list of [policy.subscribe, policy.post]) checkTexts('A list of a topic policy', list)
    const state = this.#state(user)
    state.policies.set(topic, policy)
    state.topics.add(topic)
    const { subscribe } = policy
    if (!subscribe) return
    let dismissed = false
    for (const [agent, topics] of state.subscriptions)
      if (!subscribe.includes(agent)) dismissed = topics.delete(topic) || dismissed
    if (dismissed) state.revision++
  }

  /**
   * Deletes a topic. Entries without another audience are deleted with it.
   * @throws ReferenceRejection `access.denied`, `topic.missing`
   */
  deleteTopic(
    actor: ReferenceActor,
    topic: string,
  ): {
    /** The number of ended subscriptions. */
    subscribersAffected: number
    /** The number of deleted entries. */
    entriesDeleted: number
  } {
    this.#least(actor, 'moderator')
    checkText('The topic of ReferenceContext', topic)
    const state = this.#state(actor.user)
    if (!state.topics.has(topic)) throw new ReferenceRejection('topic.missing')
    let [changedEntries, entriesDeleted, subscribersAffected] = [0, 0, 0]
    for (const [key, entry] of [...state.entries].filter(([, { audience }]) => audience.topics.includes(topic))) {
      changedEntries++
      this.#end(state, key)
      const topics = entry.audience.topics.filter((other) => other !== topic)
      if (topics.length + entry.audience.subscribers.length === 0) entriesDeleted++
      else {
        const version = entry.version + 1
        state.last.set(key, version)
        const audience = { ...entry.audience, topics }
        state.entries.set(key, { ...entry, version, revision: state.revision + 1, audience })
      }
    }
    for (const topics of state.subscriptions.values()) if (topics.delete(topic)) subscribersAffected++
    const { subscribe, post } = state.policies.get(topic) ?? {}
    if (actor.role === 'host' || (subscribe === undefined && post === undefined)) {
      state.topics.delete(topic)
      state.policies.delete(topic)
    }
    if (changedEntries + subscribersAffected > 0) state.revision++
    return { subscribersAffected, entriesDeleted }
  }

  /** Returns the number of entries that have not expired. */
  size(user: string): number {
    return [...this.#state(user).entries.values()].filter((entry) => !this.#isOver(entry)).length
  }
  /** Deletes the expired entries of a user and returns their number. */
  cleanup(user: string): number {
    const state = this.#state(user)
    const over = [...state.entries].filter(([, entry]) => this.#isOver(entry))
    for (const [key] of over) this.#end(state, key)
    if (over.length > 0) state.revision++
    return over.length
  }
  /** Deletes all entries of a user and returns the number of those that had not expired. */
  clear(user: string): number {
    const state = this.#state(user)
    const existing = [...state.entries].filter(([, entry]) => !this.#isOver(entry))
    for (const [key] of existing) this.#end(state, key)
    if (existing.length > 0) state.revision++
    this.cleanup(user)
    return existing.length
  }
}

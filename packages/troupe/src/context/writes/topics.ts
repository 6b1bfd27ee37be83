/**
 * Topics: late-bound audiences. A subscription is a row that every read joins; the feed records exactly what each
 * change of subscriptions added or removed, so that watchers can go back in time.
 */
import { checkName, decodeCursor, encodeCursor, failure, listOf } from '../../core/index.ts'
import type { FeedItem, Fragment } from '../../storage/index.ts'
import type { DeletedTopic, DiscoverOptions, TopicInfo } from '../context-client.ts'
import { topicGrantee } from '../entries/audience.ts'
import { type EntryRow, entryRow, storeValue } from '../entries/entry-row.ts'
import { type Actor, endStatements } from '../entries/fragments.ts'
import { afterKey } from '../entries/pattern.ts'
import type { MeshCore } from '../mesh-core.ts'
import type { FoundPage } from '../reads/entry-reads.ts'
import { checkLimit } from '../reads/listing.ts'
import { now } from '../statements/visibility.ts'

/** The agents that may use a topic. */
export interface TopicPolicy {
  /** The agents that may subscribe to the topic, by name. An empty list allows no agent, an absent list every agent. */
  readonly subscribe?: readonly string[]
  /** The agents that may name the topic in an audience. An empty list allows no agent, an absent list every agent. */
  readonly post?: readonly string[]
}

/** The data of a feed item of kind `subscription`: exactly what changed. */
export interface SubscriptionChange {
  readonly agents: readonly string[]
  readonly added?: readonly string[]
  readonly removed?: readonly string[]
}
const subscriptionItem = (change: SubscriptionChange): FeedItem => ({
  kind: 'subscription',
  key: '',
  data: JSON.stringify(change),
})

/** The maximal number of topics in one call. */
const maxTopics = 10_000

function granteesOfTopics(topics: unknown): readonly string[] {
  const names = listOf('topics', topics as readonly string[], maxTopics)
  return [...new Set(names.map((topic) => topicGrantee(checkName('topic', topic))))]
}

/** Commits a decision; if the data that it was based on has changed, reads and decides again. */
async function commitDecision<T>(
  decide: () => Promise<{ readonly fragments: readonly Fragment[]; readonly done: T } | { readonly done: T }>,
  core: MeshCore,
  user: string,
): Promise<T> {
  for (let i = 0; i < 100; i++) {
    const decision = await decide()
    if (!('fragments' in decision)) return decision.done
    const result = await core.tryCommit(user, ...decision.fragments)
    if (result.ok) return decision.done
    if (result.code !== 'storage.expectation') throw failure(result.code, result.detail)
  }
  throw failure('context.contention', { key: 'topics', attempts: 100 })
}

const audited = (core: MeshCore, { user, agent }: Actor, operation: string, grantees: readonly string[]) =>
  core.audit?.written(user, {
    actor: agent,
    operation,
    resource: grantees.map((grantee) => grantee.slice(1)).join(', '),
  }) ?? []

/** @throws AccessDeniedError `topic.closed`, CapacityError `topic.limit` */
export async function subscribe(core: MeshCore, actor: Actor, topics: readonly string[]): Promise<void> {
  const wanted = granteesOfTopics(topics)
  const { user, agent } = actor
  const { writes } = core
  const limit = core.limits.subscriptions
  await commitDecision(
    async () => {
      const current = new Set(await core.subscriptions(actor))
      const added = wanted.filter((grantee) => !current.has(grantee))
      const grantees = JSON.stringify(added)
      const detail = { agent, action: 'subscribe to', topics: added.map((grantee) => grantee.slice(1)) }
      const statements = [
        ...audited(core, actor, 'subscribe_to_topics', wanted),
        writes.subscribe({ user, agent, grantees }, { expect: { rows: added.length } }),
        writes.exceedsLimit(
          { user, agent, limit },
          { expect: { rows: 0 }, otherwise: 'topic.limit', detail: { limit, where: 'per agent' } },
        ),
        writes.name({ user, grantees }),
      ]
      if (!actor.all)
        statements.unshift(
          writes.subscribeClosed({ user, agent, grantees }, { expect: { rows: 0 }, otherwise: 'topic.closed', detail }),
        )
      if (added.length === 0) return { done: undefined }
      return { fragments: [{ statements, feed: [subscriptionItem({ agents: [agent], added })] }], done: undefined }
    },
    core,
    user,
  )
}

/** Unsubscribes an agent. @returns the topics to which it was subscribed */
export function unsubscribe(core: MeshCore, actor: Actor, topics: readonly string[]): Promise<readonly string[]> {
  const wanted = granteesOfTopics(topics)
  const { user, agent } = actor
  return commitDecision(
    async () => {
      const current = new Set(await core.subscriptions(actor))
      const removed = wanted.filter((grantee) => current.has(grantee))
      const done = removed.map((grantee) => grantee.slice(1))
      if (removed.length === 0) return { done }
      const statement = core.writes.unsubscribe(
        { user, agent, grantees: JSON.stringify(removed) },
        { expect: { rows: removed.length } },
      )
      const statements = [statement, ...audited(core, actor, 'unsubscribe_from_topics', removed)]
      return { fragments: [{ statements, feed: [subscriptionItem({ agents: [agent], removed })] }], done }
    },
    core,
    user,
  )
}

export async function subscribersOf(core: MeshCore, user: string, grantee: string): Promise<readonly string[]> {
  const [rows = []] = await core.read(user, core.reads.subscribers({ user, grantee }))
  return rows.map((row) => String(row.agent))
}

export async function setTopicPolicy(core: MeshCore, actor: Actor, topic: string, policy: TopicPolicy): Promise<void> {
  const grantee = topicGrantee(topic)
  const { user } = actor
  const { writes } = core
  const text = (list: readonly string[] | undefined) => (list === undefined ? null : JSON.stringify([...new Set(list)]))
  await commitDecision(
    async () => {
      const allowed = policy.subscribe
      const subscribers = await subscribersOf(core, user, grantee)
      const dismissed = allowed === undefined ? [] : subscribers.filter((agent) => !allowed.includes(agent))
      const statements = [
        writes.policy({ user, grantee, subscribe: text(policy.subscribe), post: text(policy.post) }),
        ...audited(core, actor, 'topic.policy', [grantee]),
      ]
      if (allowed !== undefined)
        statements.push(
          writes.dismiss({ user, grantee, agents: JSON.stringify(dismissed) }, { expect: { rows: dismissed.length } }),
          writes.hasSubscribers({ user, grantee, names: JSON.stringify(allowed) }, { expect: { rows: 0 } }),
        )
      const feed = dismissed.length > 0 ? [subscriptionItem({ agents: dismissed, removed: [grantee] })] : []
      return { fragments: [{ statements, feed }], done: undefined }
    },
    core,
    user,
  )
}

export async function discoverTopics(
  core: MeshCore,
  actor: Actor,
  options: DiscoverOptions,
): Promise<FoundPage<TopicInfo>> {
  const limit = checkLimit(options.limit)
  const { user } = actor
  const from = options.cursor === undefined ? '#' : afterKey(decodeCursor(options.cursor))
  const [rows = []] = await core.read(user, core.reads.topics({ user, from, limit: limit + 1 }))
  const shown = rows.slice(0, limit)
  const allows = (list: unknown) =>
    actor.all || typeof list !== 'string' || (JSON.parse(list) as string[]).includes(actor.agent)
  const items: TopicInfo[] = []
  for (const row of shown) {
    const grantee = String(row.grantee)
    const [maySubscribe, mayPost] = [allows(row.subscribers_allowed), allows(row.posters_allowed)]
    if (!maySubscribe && !mayPost) continue
    const names = options.names ? { names: await subscribersOf(core, user, grantee) } : {}
    items.push({ topic: grantee.slice(1), subscribers: Number(row.subscribers), ...names, maySubscribe, mayPost })
  }
  return { items, cursor: rows.length > limit ? encodeCursor(String(shown.at(-1)?.grantee)) : undefined }
}

const chunk = 200

/**
 * Deletes a topic: in one change if at most 200 entries name it, otherwise in several, the last of which removes the topic.
 * The policy of a closed topic is retained, unless the application deletes the topic.
 */
export async function deleteTopic(core: MeshCore, actor: Actor, topic: string): Promise<DeletedTopic> {
  const grantee = topicGrantee(topic)
  const { user } = actor
  const { reads, writes } = core
  let entriesDeleted = 0
  for (let hasStarted = false; ; hasStarted = true) {
    const part = await commitDecision(
      async () => {
        const [[known], entries = [], subscriptions = []] = (await core.read(
          user,
          reads.topics({ user, from: grantee, limit: 1 }),
          reads.ofTopic({ user, grantee, from: '', limit: chunk, maxBytes: Number.MAX_SAFE_INTEGER }),
          reads.subscribers({ user, grantee }),
        )) as [readonly ({ grantee?: unknown } | undefined)[], never, never]
        if (known?.grantee !== grantee && !hasStarted) throw failure('topic.missing', { topic })
        const rows = (entries as readonly never[]).map(entryRow)
        const agents = (subscriptions as readonly { readonly agent?: unknown }[]).map(({ agent }) => String(agent))
        const fragments: Fragment[] = rows.map((row) => without(core, actor, row, grantee))
        const last = rows.length < chunk
        if (last)
          fragments.push({
            statements: [
              writes.hasEntries({ user, grantee }, { expect: { rows: 0 } }),
              writes.dismiss({ user, grantee, agents: JSON.stringify(agents) }, { expect: { rows: agents.length } }),
              writes.hasSubscribers({ user, grantee, names: '[]' }, { expect: { rows: 0 } }),
              writes.dropTopic({ user, grantee, closed: actor.all ? 1 : 0 }),
              ...audited(core, actor, 'delete_topic', [grantee]),
            ],
            feed: agents.length > 0 ? [subscriptionItem({ agents, removed: [grantee] })] : [],
          })
        return {
          fragments,
          done: { last, agents, deleted: rows.filter(({ grantees }) => grantees.length === 1).length },
        }
      },
      core,
      user,
    )
    entriesDeleted += part.deleted
    if (part.last) return { topic, subscribersAffected: part.agents.length, entriesDeleted }
  }
}

/** Removes the topic from the audience of an entry. An entry without another audience is deleted. */
function without(core: MeshCore, actor: Actor, row: EntryRow, grantee: string): Fragment {
  const { user } = actor
  const { writes } = core
  const entryKey = { user, key: row.key, now }
  const change = core.nextChange()
  const unchanged = writes.unchanged({ ...entryKey, change: row.change }, { expect: { rows: 1 } })
  const left = row.grantees.filter((other) => other !== grantee)
  if (left.length === 0)
    return {
      statements: [unchanged, ...endStatements(core, user, row.key, change, 'removed')],
      feed: [{ kind: 'removed', key: row.key, data: change }],
    }
  return {
    statements: [
      unchanged,
      writes.narrow(
        {
          ...entryKey,
          change,
          audience: JSON.stringify(left),
          version: row.version,
          value: storeValue(row.value),
        },
        { expect: { rows: 1 } },
      ),
      // The deletion of the earlier version from the history must not delete the large value.
      ...(core.blobs?.share(user, `entry:${change}`, row.value) ?? []),
    ],
    feed: [{ kind: 'audience', key: row.key, data: change }],
  }
}

/** The tools on topics. */
import { z } from 'zod'
import { failure, type Json } from '../../core/index.ts'
import { optionalArgument, plain, type ToolSpec, toolSpec } from './tool-spec.ts'

const topics = z.array(z.string()).describe('The topics, by name.')

const subscribeToTopics = toolSpec({
  name: 'subscribe_to_topics',
  description: 'Subscribes to topics. You then see what was and what will be shared with them.',
  arguments: { topics },
  async run({ agent, context }, args) {
    const wanted = [...new Set(args.topics)]
    await context.subscribe(wanted)
    const all = [...(await context.topics())]
    return { agent, topics: wanted, topics_subscribed: all, message: `Subscribed to topics: ${wanted.join(', ')}` }
  },
})

const unsubscribeFromTopics = toolSpec({
  name: 'unsubscribe_from_topics',
  description: 'Ends subscriptions. You no longer see what is shared with these topics alone.',
  arguments: { topics },
  async run({ agent, context }, args) {
    const before = await context.topics()
    const unwanted = [...new Set(args.topics)]
    await context.unsubscribe(unwanted)
    const ended = unwanted.filter((topic) => before.includes(topic))
    return {
      agent,
      topics_unsubscribed: ended,
      topics_not_subscribed: unwanted.filter((topic) => !before.includes(topic)),
      remaining_topics: [...(await context.topics())],
      message: `Unsubscribed from topics: ${ended.join(', ') || 'none'}`,
    }
  },
})

const discoverTopics = toolSpec({
  name: 'discover_topics',
  description: 'Lists the topics with the number of their subscribers, the most popular first.',
  arguments: {
    include_subscriber_names: optionalArgument(z.boolean(), 'true: include the subscribers.'),
    limit: optionalArgument(z.int().min(1).max(1_000), 'The maximal number of results, 1 to 1000; 100 by default.'),
    cursor: optionalArgument(z.string(), 'The cursor of the previous answer, to continue from there.'),
  },
  async run({ context }, args) {
    const page = await context.discoverTopics({
      limit: args.limit ?? 100,
      ...(args.cursor ? { cursor: args.cursor } : {}),
      ...(args.include_subscriber_names ? { names: true } : {}),
    })
    const found = [...page.items].sort((a, b) => b.subscribers - a.subscribers)
    const one = (topic: (typeof found)[number]): Json =>
      plain({
        subscriber_count: topic.subscribers,
        is_active: topic.subscribers > 0,
        subscribers: topic.names,
        may_subscribe: topic.maySubscribe,
        may_post: topic.mayPost,
      })
    return plain({
      topics: Object.fromEntries(found.map((topic) => [topic.topic, one(topic)])),
      total_topics: found.length,
      popular_topics: found.filter(({ subscribers }) => subscribers >= 2).map(({ topic }) => topic),
      suggestions: {
        for_broad_reach: found.slice(0, 3).map(({ topic }) => topic),
        common_patterns: patternsOf(found.map(({ topic }) => topic)),
      },
      cursor: page.cursor,
      message: `There are ${found.length} topics${page.cursor ? ' and more' : ''}`,
    })
  },
})

/** Beginnings that several topics share: how they are named here. */
function patternsOf(topics: readonly string[]): readonly string[] {
  const families = Map.groupBy(topics, (topic) => /^.+?[.:/_-]/.exec(topic)?.[0] ?? '')
  return [...families]
    .filter(([family, members]) => family !== '' && members.length > 1)
    .map(([family]) => `${family}*`)
}

const deleteTopic = toolSpec({
  name: 'delete_topic',
  security: true,
  description:
    'Deletes a topic, its subscriptions, and the entries that were shared with it alone. This cannot be undone.',
  arguments: {
    topic: z.string().describe('The topic, by name.'),
    confirm: z.unknown().meta({ modelSchema: { type: 'boolean', description: 'Must be true.' } }),
  },
  async run({ context }, args) {
    if (args.confirm !== true) throw failure('tool.unconfirmed', { tool: 'delete_topic' })
    const { topic, subscribersAffected, entriesDeleted } = await context.deleteTopic(args.topic)
    return {
      topic,
      subscribers_affected: subscribersAffected,
      context_items_deleted: entriesDeleted,
      message: `Topic '${topic}' deleted, with ${entriesDeleted} entries`,
    }
  },
})

export const topicTools: readonly ToolSpec[] = [subscribeToTopics, unsubscribeFromTopics, discoverTopics, deleteTopic]

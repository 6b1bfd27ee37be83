/** What each tool gives when it succeeds: all of it, each thing once, and as the page of the tools says. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { builtInToolNames } from '../../security/index.ts'
import { openTeam } from './tool-testbed.test.fixture.ts'

const page = readFileSync(new URL('../../../../../docs/tools.md', import.meta.url), 'utf8')
/** By tool, the names in the cells of its row: parameters, and fields of its result. */
const documented = new Map(
  [...page.matchAll(/^\| `(\w+)` \|(.*)\|(.*)\|$/gm)].map(([, tool, takes = '', outputs = '']) => [
    tool,
    [takes, outputs].map((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name)),
  ]),
)

let team: Awaited<ReturnType<typeof openTeam>>
beforeAll(async () => {
  team = await openTeam()
  const other = team.agent('Other')
  await other.context.subscribe(['board', 'sales.eu', 'sales.us'])
  await other.context.push('open', { n: 1 })
  await other.context.push('told', 'x', { topics: ['sales.eu'] })
  await other.context.push('hidden', 1, { audience: 'owner' })
})
afterAll(() => team[Symbol.asyncDispose]())

const agent = 'A'
const id = expect.any(String)
const retrieved = (count: number) => ({ message: `Retrieved ${count} context items` })
const sent = { from_agent: agent, to_agent: 'Other', message: 'Message sent to Other' }
const usual = { message_type: 'info', priority: 'normal', requires_confirmation: false }
const message = {
  ...{ id, from: 'Other', to: agent, message: 'hi', type: 'question', priority: 'urgent', timestamp: id, read: false },
  ...{ requires_confirmation: true, confirmed: true, thread_id: 'one' },
}
const broadcast = {
  ...{ id, from: 'Other', to: agent, message: 'all', type: 'announcement', priority: 'normal', timestamp: id },
  ...{ read: false, requires_confirmation: false, confirmed: false, thread_id: id, broadcast_id: id },
}

/** In this order: what one wrote the next reads. */
const calls: readonly (readonly [string, object, object])[] = [
  [
    'push_context',
    { key: 'note', value: '{"a":[1]}', audience: 'owner', ttl: 60 },
    {
      ...{ agent, key: 'note', value: { a: [1] }, value_parsed: true, version: 1, audience: 'owner', ttl: 60 },
      message: "Context 'note' stored and shared with owner; its text was JSON and is stored as that",
    },
  ],
  [
    'push_context',
    { key: 'shared', value: 'text', topics: ['sales.eu'], subscribers: [], writers: 'readers', lifecycle: 'session' },
    {
      ...{ agent, key: 'shared', value: 'text', value_parsed: false, version: 1 },
      ...{ topics: ['sales.eu'], subscribers: [], lifecycle: 'session' },
      message: "Context 'shared' stored and shared with topics: sales.eu and subscribers: none",
    },
  ],
  [
    'push_context',
    { key: 'note', value: 'again', if_version: 1 },
    { agent, key: 'note', value: 'again', value_parsed: false, version: 2, message: "Context 'note' stored" },
  ],
  [
    'get_context',
    { key: 'open' },
    {
      ...{ agent, key: 'open', value: { n: 1 }, version: 1, owner: 'Other', message: 'Retrieved open' },
      ...{ context: { open: { n: 1 } }, keys_requested: ['open'], keys_found: ['open'] },
    },
  ],
  [
    'get_context',
    { keys: ['open', 'hidden', 'none'] },
    {
      agent,
      context: { open: { n: 1 } },
      keys_requested: ['open', 'hidden', 'none'],
      keys_found: ['open'],
      ...retrieved(1),
    },
  ],
  [
    'get_context',
    { limit: 1 },
    { agent, context: { note: 'again' }, keys_found: ['note'], cursor: id, ...retrieved(1) },
  ],
  [
    'get_context',
    {},
    {
      ...{ agent, context: { note: 'again', open: { n: 1 }, shared: 'text' } },
      ...{ keys_found: ['note', 'open', 'shared'], ...retrieved(3) },
    },
  ],
  [
    'subscribe_to_topics',
    { topics: ['sales.eu', 'sales.us'] },
    {
      ...{ agent, topics: ['sales.eu', 'sales.us'], topics_subscribed: ['sales.eu', 'sales.us'] },
      message: 'Subscribed to topics: sales.eu, sales.us',
    },
  ],
  [
    'list_context',
    {},
    {
      ...{ agent, keys: ['note', 'open', 'shared', 'told'], total_keys: 4, message: 'You can see 4 keys' },
      ...{ keys_by_topic: { 'sales.eu': ['shared', 'told'], 'sales.us': [] }, other_keys: ['note', 'open'] },
      topics_subscribed: ['sales.eu', 'sales.us'],
    },
  ],
  ['list_context_keys', { pattern: '*e*', limit: 1 }, { agent, keys: ['note'], count: 1, cursor: id }],
  ['list_context_keys', { topics: ['sales.eu'] }, { agent, keys: ['shared', 'told'], count: 2 }],
  [
    'discover_topics',
    { include_subscriber_names: true },
    {
      topics: {
        ...Object.fromEntries(
          ['sales.eu', 'sales.us'].map((topic) => [
            topic,
            { subscriber_count: 2, is_active: true, subscribers: ['A', 'Other'], may_subscribe: true, may_post: true },
          ]),
        ),
        board: { subscriber_count: 1, is_active: true, subscribers: ['Other'], may_subscribe: true, may_post: true },
      },
      ...{ total_topics: 3, popular_topics: ['sales.eu', 'sales.us'], message: 'There are 3 topics' },
      suggestions: { for_broad_reach: ['sales.eu', 'sales.us', 'board'], common_patterns: ['sales.*'] },
    },
  ],
  [
    'unsubscribe_from_topics',
    { topics: ['sales.us', 'none'] },
    {
      ...{ agent, topics_unsubscribed: ['sales.us'], topics_not_subscribed: ['none'], remaining_topics: ['sales.eu'] },
      message: 'Unsubscribed from topics: sales.us',
    },
  ],
  [
    'batch_context_operation',
    {
      operations: [
        { type: 'push', key: 'b', value: '[1]', lifecycle: 'cache' },
        { type: 'get', key: 'b' },
        { type: 'get', key: 'none' },
        { type: 'delete', key: 'b' },
      ],
      atomic: true,
    },
    {
      ...{ total_operations: 4, successful_operations: 4, failed_operations: 0, atomic: true },
      results: [
        { operation: 0, type: 'push', key: 'b', success: true, version: 1 },
        { operation: 1, type: 'get', key: 'b', success: true, found: true, value: '[1]' },
        { operation: 2, type: 'get', key: 'none', success: true, found: false },
        { operation: 3, type: 'delete', key: 'b', success: true, deleted: true },
      ],
    },
  ],
  ['delete_context', { key: 'note', if_version: 2 }, { key: 'note', deleted: true, message: "Context 'note' deleted" }],
  ['send_message_to_agent', { to_agent: 'Other', message: 'hi' }, { message_id: id, ...sent, ...usual }],
  [
    'send_message_to_agent',
    { to_agent: 'Other', message: 'hi', message_type: 'task', priority: 'low', ttl: 5, requires_confirmation: true },
    {
      ...{ message_id: id, ...sent, message_type: 'task', priority: 'low', ttl: 5 },
      ...{ requires_confirmation: true, thread_id: expect.stringMatching(/^thread_/) },
    },
  ],
  [
    'broadcast_message_to_agents',
    { to_agents: ['Other', 'A', ''], message: 'all' },
    {
      ...{ broadcast_id: id, total_recipients: 2, successful_sends: 1, failed_sends: 1 },
      ...{ thread_id: id, message: 'Message sent to 1 of 2 agents' },
      results: [
        { agent: 'Other', success: true, message_id: id },
        { agent: '', success: false, error: id, code: 'name.invalid' },
      ],
    },
  ],
  [
    'get_messages_from_agents',
    { sort_by_priority: true },
    {
      ...{ messages: [message, broadcast], count: 2, total_available: 2, confirmations_sent: 1 },
      ...{ unthreaded_messages: [], filters_applied: { unread_only: true } },
      threads: expect.objectContaining({ one: [id] }),
    },
  ],
  [
    'get_messages_from_agents',
    { unread_only: false, thread_id: 'one', priority: 'urgent', mark_as_read: false },
    {
      ...{ messages: [{ ...message, read: true }], count: 1, total_available: 1, confirmations_sent: 0 },
      ...{ threads: { one: [id] }, unthreaded_messages: [] },
      filters_applied: { unread_only: false, thread_id: 'one', priority: 'urgent' },
    },
  ],
  [
    'delete_topic',
    { topic: 'sales.eu', confirm: true },
    {
      ...{ topic: 'sales.eu', subscribers_affected: 2, context_items_deleted: 2 },
      message: "Topic 'sales.eu' deleted, with 2 entries",
    },
  ],
]

test('The results of tools have exactly the fields that the page documents.', async () => {
  const [a, other] = [team.agent('A', { role: 'moderator' }), team.agent('Other')]
  const asked = { message_type: 'question', priority: 'urgent', thread_id: 'one', requires_confirmation: true }
  await other.tools.call('broadcast_message_to_agents', { to_agents: ['A'], message: 'all' })
  await other.tools.call('send_message_to_agent', { to_agent: 'A', message: 'hi', ...asked })
  const returned = new Map<string, Set<string>>(builtInToolNames.map((tool) => [tool, new Set()]))
  for (const [tool, args, result] of calls) {
    const found = JSON.parse(JSON.stringify(await a.tools.call(tool, args)))
    expect(found, `${tool} ${JSON.stringify(args)}`).toEqual({ success: true, ...result })
    for (const field of Object.keys(found)) returned.get(tool)?.add(field)
  }
  const definitions = a.tools.definitions()
  for (const tool of builtInToolNames) {
    const [takes, outputs] = documented.get(tool) ?? []
    const parameters = definitions.find(({ name }) => name === tool)?.parameters.properties ?? {}
    expect(takes, tool).toEqual(Object.keys(parameters))
    expect([...(outputs ?? []), 'success'].sort(), tool).toEqual([...(returned.get(tool) ?? [])].sort())
  }
})

test('The tool lists return everything that is visible, page by page, by their cursor.', async () => {
  const { context, tools } = team.agent('Reader')
  for (let i = 0; i < 7; i++) await context.push(`page.${i}`, i, { audience: 'owner' })
  for (const tool of ['get_context', 'list_context', 'list_context_keys']) {
    const found: unknown[] = []
    for (let cursor: unknown = null, pages = 0; cursor !== undefined; pages++) {
      const result = await tools.call(tool, { limit: 3, cursor })
      found.push(...((result.keys ?? result.keys_found) as readonly unknown[]))
      cursor = result.cursor
      expect(pages).toBeLessThan(4)
    }
    expect(found, tool).toEqual(['open', ...Array.from({ length: 7 }, (_, i) => `page.${i}`)])
  }
})

test('The results of subscriptions name each topic once.', async () => {
  const { tools } = team.agent('Reader')
  const subscribed = await tools.call('subscribe_to_topics', { topics: ['a', 'b', 'a'] })
  expect(subscribed).toMatchObject({ topics: ['a', 'b'], message: 'Subscribed to topics: a, b' })
  const ended = await tools.call('unsubscribe_from_topics', { topics: ['a', 'a', 'none', 'none'] })
  expect(ended).toMatchObject({ topics_unsubscribed: ['a'], topics_not_subscribed: ['none'] })
})

test('The requested keys come page by page with a limit, and all at once without.', async () => {
  const { context, tools } = team.agent('Reader')
  const keys = ['named.3', 'named.1', 'named.none', 'named.2', 'named.1']
  for (const key of ['named.1', 'named.2', 'named.3']) await context.push(key, key, { audience: 'owner' })
  const all = await tools.call('get_context', { keys })
  expect(all).toMatchObject({ keys_requested: keys, keys_found: ['named.3', 'named.1', 'named.2'] })
  expect(all).not.toHaveProperty('cursor')
  const first = await tools.call('get_context', { keys, limit: 3 })
  expect(first).toMatchObject({ keys_requested: keys, keys_found: ['named.3', 'named.1'] })
  const last = await tools.call('get_context', { keys, limit: 3, cursor: first.cursor })
  expect(last).toMatchObject({ keys_found: ['named.2'], context: { 'named.2': 'named.2' } })
  expect(last).not.toHaveProperty('cursor')
  const foreign = await tools.call('get_context', { keys: ['named.2'], cursor: first.cursor })
  expect(foreign).toMatchObject({ success: false, code: 'cursor.invalid' })
})

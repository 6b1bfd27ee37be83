import { describe, expect, it } from 'vitest'
import { NotFoundError } from '../../index.ts'
import * as syntha from './index.ts'
import { openTeam } from './syntha-testbed.test.fixture.ts'

describe('a call in the spelling of the first guide', () => {
  it('A call by a shared handler names its agent, pushes with subscribers and ttl, and reads value and context.', async () => {
    await using team = await openTeam()
    const handler = new syntha.ToolHandler(team.mesh)
    const pushed = await handler.handle_tool_call('push_context', {
      agent_name: 'Agent1',
      key: 'profiles.17',
      value: { name: 'John' },
      subscribers: ['Agent2'],
      ttl: 3_600,
    })
    expect(pushed).toMatchObject({
      success: true,
      sender_agent: 'Agent1',
      agent_name: 'Agent1',
      ttl: 3_600,
      ttl_hours: 1,
    })
    const read = await handler.handle_tool_call('get_context', { agent_name: 'Agent2', key: 'profiles.17' })
    expect(read).toMatchObject({ value: { name: 'John' }, context: { 'profiles.17': { name: 'John' } } })
    expect(read).toMatchObject({ agent_name: 'Agent2', keys_requested: ['profiles.17'], keys_found: ['profiles.17'] })
    const other = await handler.handle_tool_call('get_context', { agent_name: 'Agent3', key: 'profiles.17' })
    expect(other).toMatchObject({ success: false, error_type: 'not_found', tool: 'get_context', key: 'profiles.17' })
    expect(other.message).toBe(other.error)
    await team.clock.advance('61m')
    expect(await handler.handle_tool_call('get_context', { agent_name: 'Agent2', key: 'profiles.17' })).toMatchObject({
      success: false,
    })
    expect(await handler.handle_tool_call('get_context', { key: 'k' })).toMatchObject({
      success: false,
      error: expect.stringContaining('Agent name not set'),
    })
  })

  it('A call by a shared handler lists keys by pattern, and suggests similar keys.', async () => {
    await using team = await openTeam()
    const handler = new syntha.ToolHandler(team.mesh)
    for (const key of ['user_a', 'user_b', 'order_1'])
      await handler.handle_tool_call('push_context', { agent_name: 'A', key, value: 'x' })
    const keys = ['user_a', 'user_b']
    const listed = await handler.handle_tool_call('list_context_keys', { agent_name: 'A', pattern: 'user_*' })
    expect(listed).toMatchObject({ keys, available_keys: keys, all_accessible_keys: keys, count: 2 })
    const missed = await handler.handle_tool_call('get_context', { agent_name: 'A', key: 'user_c' })
    expect(missed.suggestions).toEqual(missed.similar_keys)
    expect(missed.similar_keys).toEqual(expect.arrayContaining(keys))
  })

  it('A call by a shared handler sends and reads messages by from_agent and to_agent, with numeric priorities.', async () => {
    await using team = await openTeam()
    const handler = new syntha.ToolHandler(team.mesh)
    for (const [priority, message] of [
      [3, 'later'],
      ['normal', 'soon'],
      [0, 'now'],
    ] as const)
      expect(
        await handler.handle_tool_call('send_message_to_agent', {
          from_agent: 'Agent1',
          to_agent: 'Agent2',
          message,
          message_type: 'task',
          priority,
          ttl_hours: 24,
          timestamp: 1,
        }),
      ).toMatchObject({ success: true, from_agent: 'Agent1', ttl_hours: 24, ttl: 86_400 })
    const read = await handler.handle_tool_call('get_messages_from_agents', {
      agent_name: 'Agent2',
      unread_only: true,
      sort_by_priority: true,
      limit: 0,
    })
    expect(read.messages).toMatchObject([
      {
        from_agent: 'Agent1',
        from: 'Agent1',
        to_agent: 'Agent2',
        message: 'now',
        message_type: 'task',
        priority: 'urgent',
        is_broadcast: false,
      },
      { message: 'soon', priority: 'normal' },
      { message: 'later', priority: 'low' },
    ])
    const wrong = await handler.handle_tool_call('send_message_to_agent', {
      from_agent: 'A',
      to_agent: 'B',
      message: 'x',
      priority: 4,
    })
    expect(wrong).toMatchObject({ success: false, error: expect.stringContaining('0 (urgent)') })
    const named = await handler.handle_tool_call('send_message_to_agent', {
      from_agent: 'A',
      to_agent: 'B',
      message: 'x',
      priority: 'asap',
    })
    expect(named).toMatchObject({ success: false, code: 'tool.arguments' })
    expect(
      await handler.handle_tool_call('send_message_to_agent', {
        from_agent: 'A',
        to_agent: 'B',
        message: 'x',
        ttl_hours: 0,
      }),
    ).toMatchObject({ success: true })
  })

  it('A call by a shared handler confirms a message if requested, and the reading can omit confirmations.', async () => {
    await using team = await openTeam()
    const handler = new syntha.ToolHandler(team.mesh)
    await handler.handle_tool_call('send_message_to_agent', {
      from_agent: 'A',
      to_agent: 'B',
      message: 'x',
      requires_confirmation: true,
    })
    expect(await handler.handle_tool_call('get_messages_from_agents', { agent_name: 'B' })).toMatchObject({
      confirmations_sent: 1,
      messages: [{ confirmed: true, message_id: expect.any(String) }],
    })
    const unmarked = { agent_name: 'A', mark_as_read: false }
    expect(await handler.handle_tool_call('get_messages_from_agents', unmarked)).toMatchObject({ count: 1 })
    expect(
      await handler.handle_tool_call('get_messages_from_agents', { ...unmarked, include_confirmations: false }),
    ).toMatchObject({ count: 0, messages: [] })
  })

  it('A call by a shared handler broadcasts to a list or a text of names, never to the sender.', async () => {
    await using team = await openTeam()
    const handler = new syntha.ToolHandler(team.mesh)
    const all = { from_agent: 'A', message: 'x', exclude_sender: true, create_thread: true }
    expect(
      await handler.handle_tool_call('broadcast_message_to_agents', { ...all, to_agents: 'A, B, C' }),
    ).toMatchObject({
      total_recipients: 2,
      successful_sends: 2,
      failed_sends: 0,
      broadcast_id: expect.any(String),
      thread_id: expect.any(String),
    })
    expect(await handler.handle_tool_call('get_messages_from_agents', { agent_name: 'B' })).toMatchObject({
      messages: [{ is_broadcast: true, message_type: 'announcement' }],
    })
    expect(
      await handler.handle_tool_call('broadcast_message_to_agents', {
        ...all,
        to_agents: ['B'],
        exclude_sender: false,
      }),
    ).toMatchObject({ success: false, code: 'compat.unsupported' })
  })

  it('A call by a shared handler batches push, get and remove, and stops at the first failure if configured.', async () => {
    await using team = await openTeam()
    const handler = new syntha.ToolHandler(team.mesh)
    await team.user.agent('B').context.push('foreign', 1)
    const operations = [
      { type: 'push', key: 'a', value: 'x', ttl: 60, subscribers: 'B' },
      { type: 'get', key: 'a' },
      { type: 'remove', key: 'a' },
    ]
    expect(await handler.handle_tool_call('batch_context_operation', { agent_name: 'A', operations })).toMatchObject({
      success: true,
      completed_operations: 3,
      results: [{ pushed: true }, { value: 'x' }, { type: 'remove', removed: true }],
    })
    const stopped = await handler.handle_tool_call('batch_context_operation', {
      agent_name: 'A',
      operations: [
        { type: 'push', key: 'b', value: 'x' },
        { type: 'push', key: 'foreign', value: 'x' },
        { type: 'push', key: 'c', value: 'x' },
      ],
      continue_on_error: false,
    })
    expect(stopped).toMatchObject({
      success: false,
      error: expect.stringMatching(/^Operation 1 failed/),
      completed_operations: 1,
      total_operations: 3,
    })
    expect(await team.mesh.list_keys()).toEqual(['b', 'foreign'])
    const atomic = {
      agent_name: 'A',
      operations: [
        { type: 'push', key: 'd', value: 'x' },
        { type: 'remove', key: 'foreign' },
      ],
      atomic: true,
    }
    expect(await handler.handle_tool_call('batch_context_operation', atomic)).toMatchObject({ success: false })
    expect(await team.mesh.get('d')).toBe(null)
  })

  it('A call by a shared handler throws if the option raise_errors is set.', async () => {
    await using team = await openTeam()
    const handler = new syntha.ToolHandler(team.mesh, undefined, { raise_errors: true })
    await expect(handler.handle_tool_call('get_context', { agent_name: 'A', key: 'none' })).rejects.toThrow(
      NotFoundError,
    )
    await expect(handler.handle_tool_call('get_context', { agent_name: 'A', key: 'none' })).rejects.toMatchObject({
      code: 'context.missing',
    })
  })
})

describe('a call in the spelling of the second guide', () => {
  it('A call by a handler of one agent needs no name, pushes with topics and ttl_hours, and reads all visible context.', async () => {
    await using team = await openTeam()
    const [sales, analytics] = [team.tools('SalesService'), team.tools('AnalyticsService')]
    expect(await analytics.handle_tool_call('subscribe_to_topics', { topics: 'sales, deals' })).toMatchObject({
      success: true,
      agent: 'AnalyticsService',
      agent_name: 'AnalyticsService',
      topics: ['sales', 'deals'],
    })
    const value = JSON.stringify({ id: 1 })
    expect(
      await sales.handle_tool_call('push_context', { key: 'deal_1', value, topics: 'sales, deals', ttl_hours: 24 }),
    ).toMatchObject({ value: { id: 1 }, topics: ['sales', 'deals'], ttl: 86_400, ttl_hours: 24 })
    for (const all of [{}, { keys: [] }])
      expect(await analytics.handle_tool_call('get_context', all)).toMatchObject({ context: { deal_1: { id: 1 } } })
    expect(await analytics.handle_tool_call('get_context', { keys: 'deal_1, none' })).toMatchObject({
      success: true,
      keys_requested: ['deal_1', 'none'],
      keys_found: ['deal_1'],
    })
    await analytics.handle_tool_call('push_context', { key: 'note', value: 'text' })
    expect(await analytics.handle_tool_call('list_context')).toMatchObject({
      keys_by_topic: { sales: ['deal_1'], deals: ['deal_1'], other: ['note'] },
      all_accessible_keys: ['deal_1', 'note'],
      topics_subscribed: ['deals', 'sales'],
      agent_name: 'AnalyticsService',
      total_keys: 2,
    })
    expect(await analytics.handle_tool_call('discover_topics', { include_subscriber_names: true })).toMatchObject({
      topics: { sales: { subscriber_count: 1, is_active: true, subscribers: ['AnalyticsService'] } },
      total_topics: 2,
    })
    expect(await analytics.handle_tool_call('unsubscribe_from_topics', { topics: 'sales, none' })).toMatchObject({
      topics_unsubscribed: ['sales'],
      topics_not_subscribed: ['none'],
      remaining_topics: ['deals'],
    })
  })

  it('A call by a handler of one agent rejects a lifetime that is repeated or not above zero.', async () => {
    await using team = await openTeam()
    const handler = team.tools('A')
    const push = (more: object) => handler.handle_tool_call('push_context', { key: 'k', value: 'v', ...more })
    expect(await push({ ttl: 1, ttl_hours: 1 })).toMatchObject({
      success: false,
      error: expect.stringContaining('set one of them'),
    })
    for (const more of [{ ttl: 0 }, { ttl_seconds: -1 }, { ttl_hours: 0 }])
      expect(await push(more)).toMatchObject({ success: false })
    expect(await team.mesh.get('k')).toBe(null)
    for (const more of [{ ttl: null }, { ttl_seconds: 60 }, { lifecycle: 'session' }])
      expect(await push(more)).toMatchObject({ success: true })
    expect(await push({ topics: [], subscribers: [] })).toMatchObject({ success: true })
    expect(await team.tools('B').handle_tool_call('get_context', { keys: ['k'] })).toMatchObject({ context: {} })
    expect(await push({ ttl: 'x', topics: ['t'] })).toMatchObject({ success: false, key: 'k', topics: ['t'] })
  })

  it('A call by a handler of one agent cannot act as another agent, and does not throw for a mistake.', async () => {
    await using team = await openTeam()
    const handler = team.tools('A')
    expect(await handler.handle_tool_call('get_context', { agent_name: 'A', keys: [] })).toMatchObject({
      success: true,
    })
    expect(await handler.handle_tool_call('get_context', { agent_name: 'B', key: 'k' })).toMatchObject({
      success: false,
      error_type: 'access_denied',
    })
    expect(await handler.handle_tool_call('push_context', { key: 'k' })).toMatchObject({ success: false })
    expect(await handler.handle_tool_call('get_contxt', {})).toMatchObject({
      success: false,
      available_tools: expect.any(Array),
    })
    expect(await handler.handle_tool_call('push_context', { kye: 'k', value: 'v' })).toMatchObject({ success: false })
    const handle = syntha.synthaHandler(team.user.agent('A', { role: 'readonly' }))
    expect(await handle.handle_tool_call('push_context', { key: 'k', value: 'v' })).toMatchObject({
      error: 'Access denied to tool: push_context',
      reason: expect.any(String),
      agent_role: 'readonly',
    })
  })

  it('A call by a handler of one agent deletes a topic only if confirmed, and only with the right.', async () => {
    await using team = await openTeam()
    const admin = team.tools('Admin', { agent_role: 'admin' })
    await admin.handle_tool_call('push_context', { key: 'k', value: 'v', topics: ['sales'] })
    for (const confirm of ['true', 1, undefined])
      expect(await admin.handle_tool_call('delete_topic', { topic: 'sales', confirm })).toMatchObject({
        success: false,
      })
    expect(await admin.handle_tool_call('delete_topic', { topic: 'none', confirm: true })).toMatchObject({
      error_type: 'not_found',
      available_topics: ['sales'],
    })
    expect(await admin.handle_tool_call('delete_topic', { topic: 'sales', confirm: true })).toMatchObject({
      success: true,
      topic: 'sales',
      subscribers_affected: 0,
      context_items_deleted: 1,
    })
  })
})

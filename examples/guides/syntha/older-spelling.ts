/** The guides' own spelling, for code that moves over: both vintages, on a mesh of Troupe. */
import { ContextMesh, create_role_based_handler, ToolHandler } from 'troupe/compat/syntha'

export async function main() {
  await using mesh = new ContextMesh({ user_id: 'user_123', enable_indexing: true, auto_cleanup: true })

  // 0.1: each call names its agent. Such a handler is for trusted code.
  const handler = new ToolHandler(mesh)
  await handler.handle_tool_call('push_context', {
    agent_name: 'Agent1',
    key: 'test_data',
    value: { text: 'Hello' },
    ttl: 3600,
  })
  await handler.handle_tool_call('send_message_to_agent', {
    from_agent: 'Agent1',
    to_agent: 'Agent2',
    message: 'Check test_data',
  })
  const { messages } = await handler.handle_tool_call('get_messages_from_agents', {
    agent_name: 'Agent2',
    unread_only: true,
  })
  const data = await handler.handle_tool_call('get_context', { agent_name: 'Agent2', key: 'test_data' })

  // 0.2: the handler is the agent.
  const sales = create_role_based_handler(mesh, 'Sales', 'contributor')
  const pushed = await sales.handle_tool_call('push_context', {
    key: 'deal_1',
    value: '{"usd":90}',
    topics: 'sales, deals',
    ttl_hours: 24,
  })
  return { messages, value: data.value, context: data.context, deal: pushed.value, hours: pushed.ttl_hours }
}

if (import.meta.main) console.log(await main())

import { describe, expect, it } from 'vitest'
import { TroupeError } from '../../index.ts'
import * as syntha from './index.ts'
import { openTeam } from './syntha-testbed.test.fixture.ts'

describe('the rights of a Syntha handler', () => {
  it('The rights of a Syntha handler follow role, allowed and denied tools, and change at once.', async () => {
    await using team = await openTeam()
    const handler = team.tools('A', { agent_role: 'readonly' })
    const push = async () => (await handler.handle_tool_call('push_context', { key: 'k', value: 'v' })).success
    expect(await push()).toBe(false)
    handler.set_agent_role('contributor')
    expect(await push()).toBe(true)
    handler.add_denied_tool('push_context')
    expect([await push(), handler.has_tool_access('push_context')]).toEqual([false, false])
    handler.remove_denied_tool('push_context')
    handler.set_allowed_tools([])
    expect([await push(), handler.get_available_tools()]).toEqual([false, []])
    expect(handler.get_access_summary()).toEqual({
      agent_name: 'A',
      agent_role: 'contributor',
      available_tools: [],
      denied_tools: [],
      allowed_tools: [],
      total_available: 0,
      total_possible: 13,
    })
    handler.add_allowed_tool('push_context')
    expect(await push()).toBe(true)
    handler.remove_allowed_tool('push_context')
    expect(await push()).toBe(false)
    handler.set_denied_tools([])
    handler.set_allowed_tools(undefined)
    expect(handler.get_access_summary().allowed_tools).toBe('all')
    expect(() => handler.set_agent_role('superuser')).toThrow(TroupeError)
    expect(await push()).toBe(true)
    handler.set_agent_name('B')
    expect(await handler.handle_tool_call('get_context')).toMatchObject({ agent_name: 'B' })
  })

  it('The rights of a Syntha handler come from the factories by role, level and list.', async () => {
    await using team = await openTeam()
    const tools = (handler: syntha.ToolHandler) => handler.get_available_tools()
    expect(tools(syntha.create_role_based_handler(team.mesh, 'A', 'readonly'))).toEqual(
      [...syntha.get_role_info('readonly').tools].sort(order),
    )
    const auditor = syntha.create_role_based_handler(team.mesh, 'A', 'auditor', {
      auditor: ['get_context', 'delete_topic'],
    })
    expect(tools(auditor)).toEqual(['get_context', 'delete_topic'])
    expect(() => syntha.create_role_based_handler(team.mesh, 'A', 'boss')).toThrow(/no role boss/)
    expect(() => syntha.create_role_based_handler(team.mesh, 'A', 'x', { x: ['fly'] })).toThrow(/no tool fly/)
    expect(tools(syntha.create_restricted_handler(team.mesh, 'A'))).not.toContain('delete_context')
    expect(tools(syntha.create_restricted_handler(team.mesh, 'A', 'minimal'))).toHaveLength(3)
    expect(tools(syntha.create_restricted_handler(team.mesh, 'A', 'readonly'))).not.toContain('push_context')
    expect(() => syntha.create_restricted_handler(team.mesh, 'A', 'lax')).toThrow(/lax/)
    const handlers = syntha.create_multi_agent_handlers(team.mesh, {
      A: { role: 'readonly' },
      B: { denied_tools: ['push_context'] },
    })
    expect(Object.values(handlers).map((handler) => handler.has_tool_access('push_context'))).toEqual([false, false])
    expect(Object.keys(syntha.create_multi_agent_handlers(team.mesh, [{ name: 'C', allowed_tools: [] }]))).toEqual([
      'C',
    ])
    expect(Object.keys(syntha.PREDEFINED_ROLES)).toEqual(['readonly', 'contributor', 'moderator', 'admin'])
    expect(syntha.get_role_info()).toBe(syntha.PREDEFINED_ROLES)
  })
})
const order = (a: string, b: string) => builtIn.indexOf(a) - builtIn.indexOf(b)
const builtIn: readonly string[] = syntha.PREDEFINED_ROLES.admin?.tools ?? []

describe('a call', () => {
  it('A Syntha call without a valid form is a mistake of its caller, and a result.', async () => {
    await using team = await openTeam()
    const bound = team.tools('A')
    const unbound = new syntha.ToolHandler(team.mesh)
    for (const handler of [bound, unbound])
      for (const name of [undefined, null, 5, {}])
        expect(await handler.handle_tool_call(name as never, { agent_name: 'A' })).toMatchObject({
          code: 'tool.unknown',
        })
    for (const invalid of [null, 5, 'key', ['key']]) {
      expect(await bound.handle_tool_call('get_context', invalid as never)).toMatchObject({ code: 'tool.arguments' })
      expect(await unbound.handle_tool_call('get_context', invalid as never)).toMatchObject({ success: false })
    }
    const call = await bound.get_framework_handler('openai')
    for (const text of ['null', '5', '"key"', '["key"]'])
      expect(await call('get_context', text)).toMatchObject({ code: 'tool.arguments' })
    const hybrid = bound.create_hybrid_handler((name) => name)
    expect(await hybrid(undefined as never)).toBe(undefined)
  })

  it('A Syntha batch that stops at its first failure cannot act under another name.', async () => {
    await using team = await openTeam()
    const operations = [{ type: 'push', key: 'k', value: 'v' }]
    for (const more of [{ operations }, { operations: [] }]) {
      const batch = { agent_name: 'Boss', continue_on_error: false, ...more }
      expect(await team.tools('A').handle_tool_call('batch_context_operation', batch)).toMatchObject({
        code: 'agent.mismatch',
      })
    }
    expect(await team.user.context.size()).toBe(0)
  })

  it('A Syntha batch that stops at its first failure reports what was done before.', async () => {
    await using team = await openTeam()
    const operations = [
      { type: 'push', key: 'k', value: 'v' },
      { type: 'frob', key: 'k' },
      { type: 'get', key: 'k' },
    ]
    expect(
      await team.tools('A').handle_tool_call('batch_context_operation', { operations, continue_on_error: false }),
    ).toMatchObject({
      success: false,
      successful_operations: 1,
      failed_operations: 1,
      results: [
        { operation: 0, pushed: true },
        { operation: 1, success: false, code: 'tool.arguments' },
      ],
    })
  })
})

describe("schemas, beside users' own", () => {
  const own = { name: 'get_context', description: 'mine' }

  it('The Syntha schemas are merged with a prefix if names clash.', async () => {
    await using team = await openTeam()
    const handler = team.tools('A')
    const schemas = await handler.get_syntha_schemas_only()
    expect(await syntha.get_all_tool_schemas(handler)).toEqual(schemas)
    const merged = await handler.get_schemas([own])
    expect(merged).toContainEqual(own)
    expect(merged[0]).toMatchObject({ name: 'syntha_get_context', description: expect.stringMatching(/^\[Syntha\]/) })
    expect(await handler.get_schemas()).toEqual(schemas)
    expect(syntha.merge_tool_schemas(schemas, [own])).toHaveLength(schemas.length + 1)
    expect(syntha.merge_tool_schemas(schemas, [own], { handle_conflicts: 'skip' })).toHaveLength(schemas.length)
    const prefixed = syntha.merge_tool_schemas(schemas, [own, { type: 'function', function: own }], {
      handle_conflicts: 'prefix',
    })
    expect(prefixed.slice(-2)).toMatchObject([{ name: 'user_get_context' }, { function: { name: 'user_get_context' } }])
  })

  it("The Syntha tools and the application's own are called by one hybrid handler.", async () => {
    await using team = await openTeam()
    const handler = team.tools('A')
    const mine = (name: string) => `mine: ${name}`
    const hybrid = handler.create_hybrid_handler(mine, ['list_context'])
    expect(await hybrid('search')).toBe('mine: search')
    expect(await hybrid('list_context')).toBe('mine: list_context')
    expect(await hybrid('syntha_list_context')).toMatchObject({ success: true, total_keys: 0 })
    expect(await syntha.create_hybrid_tool_handler(handler, mine)('list_context')).toMatchObject({ success: true })
  })

  it('The Syntha tools come in the forms of frameworks, each with a handler.', async () => {
    await using team = await openTeam()
    const handler = team.tools('A')
    await team.user.agent('A').context.push('k', 1)
    expect((await handler.get_openai_functions())[0]).toMatchObject({
      type: 'function',
      function: { name: 'get_context' },
    })
    expect((await handler.get_anthropic_tools())[0]).toMatchObject({
      name: 'get_context',
      input_schema: { type: 'object' },
    })
    expect((await handler.get_langchain_tools())[0]).toMatchObject({ name: 'get_context', schema: { type: 'object' } })
    expect((await handler.get_langgraph_tools())[0]).toMatchObject({
      name: 'get_context',
      parameters: { type: 'object' },
    })
    expect(await handler.get_tools_for_framework('OpenAI')).toHaveLength(12)
    for (const framework of handler.get_supported_frameworks()) {
      expect(handler.validate_framework(framework)).toBe(true)
      const { tools, handler: call, ...counts } = await handler.create_framework_integration(framework, [own])
      expect([tools.length, counts.syntha_tool_count, counts.existing_tool_count, counts.total_tools]).toEqual([
        13, 12, 1, 13,
      ])
      for (const args of [{ key: 'k' }, '{"key":"k"}'])
        expect(await call('get_context', args)).toMatchObject({ value: 1 })
    }
    const call = await handler.get_framework_handler('anthropic')
    expect(await call('get_context', '{broken')).toMatchObject({
      success: false,
      error: expect.stringContaining('Function call error'),
      function_name: 'get_context',
    })
    expect(handler.validate_framework('agno')).toBe(false)
    await expect(handler.get_tools_for_framework('agno')).rejects.toMatchObject({ code: 'compat.unsupported' })
    await expect(handler.get_tools_for_framework('opnai')).rejects.toThrow(/did you mean openai/)
    await expect(new syntha.ToolHandler(team.mesh).get_openai_functions()).rejects.toThrow(/bound to no agent/)
    const factory = new syntha.SynthaToolFactory(handler)
    expect(await factory.create_tools('anthropic')).toHaveLength(12)
    expect((await factory.create_hybrid_integration('openai')).total_tools).toBe(12)
    expect([
      factory.validate_framework_requirements('openai').valid,
      factory.validate_framework_requirements('x').valid,
    ]).toEqual([true, false])
    for (const rejected of [() => factory.get_adapter(), () => factory.clear_cache(), () => factory.get_cache_info()])
      expect(rejected).toThrow(/toOpenAI/)
  })
})

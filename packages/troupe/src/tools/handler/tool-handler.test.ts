import { describe, expect, test } from 'vitest'
import type { Json } from '../../core/index.ts'
import { bytesSchema, defineMessage } from '../../messaging/index.ts'
import { builtInToolNames } from '../../security/index.ts'
import { buildSystemPrompt } from './build-system-prompt.ts'
import { mergeTools, toAiSdk, toAnthropic, toLangChain, toLangGraph, toOpenAI } from './index.ts'
import { openTeam } from './tool-testbed.test.fixture.ts'

/** What OpenAI's strict mode asks of a schema. */
function checkStrict(schema: Json, at: string): void {
  const {
    type,
    properties = {},
    required = [],
    additionalProperties,
    anyOf,
    items,
  } = schema as {
    readonly type?: string | string[]
    readonly properties?: Record<string, Json>
    readonly required?: string[]
    readonly additionalProperties?: boolean
    readonly anyOf?: Json[]
    readonly items?: Json
  }
  const types = [type].flat()
  expect(types[0] !== undefined || anyOf !== undefined, `${at} has a type`).toBe(true)
  for (const keyword of ['default', '$ref', '$schema', 'oneOf', 'allOf', 'pattern', 'minimum', 'maximum'])
    expect(schema, at).not.toHaveProperty(keyword)
  if (types.includes('object')) {
    expect(additionalProperties, at).toBe(false)
    expect([...required].sort(), at).toEqual(Object.keys(properties).sort())
    for (const [name, inner] of Object.entries(properties)) checkStrict(inner, `${at}.${name}`)
  }
  if (types.includes('array')) checkStrict(items ?? null, `${at}[]`)
  for (const inner of anyOf ?? []) checkStrict(inner, `${at}|`)
}

describe('definitions', () => {
  test('The tool definitions are the thirteen tools, strict for every provider.', async () => {
    await using team = await openTeam()
    const definitions = team.agent('A', { role: 'admin' }).tools.definitions()
    expect(definitions.map(({ name }) => name).sort()).toEqual([...builtInToolNames].sort())
    for (const { name, parameters, description } of definitions) {
      checkStrict(parameters, name)
      expect(parameters.type).toBe('object')
      expect(description.length).toBeGreaterThan(20)
    }
  })

  test('The tool definitions follow role, allow and deny from the next call on.', async () => {
    await using team = await openTeam()
    const { tools, context } = team.agent('A', { role: 'readonly' })
    expect(await tools.call('push_context', { key: 'k', value: 'v' })).toMatchObject({
      success: false,
      code: 'access.denied',
      agent_role: 'readonly',
      available_tools: expect.arrayContaining(['get_context']),
    })
    tools.setRole('contributor')
    expect(await tools.call('push_context', { key: 'k', value: 'v' })).toMatchObject({ success: true })
    tools.setAllow([])
    expect(tools.definitions()).toEqual([])
    await expect(context.get('k')).rejects.toThrow(expect.objectContaining({ code: 'access.denied' }))
    tools.setAllow(['get_context', 'delete_topic'])
    tools.setDeny(['get_context'])
    expect(tools.accessSummary()).toMatchObject({
      available: [],
      totalAvailable: 0,
      totalPossible: 13,
      allowed: ['get_context', 'delete_topic'],
    })
    for (const mistake of [() => tools.setDeny(['pay', 'delet_topic']), () => tools.setAllow(['deleteTopic'])])
      expect(mistake).toThrow(/did you mean delete_topic\?/)
    expect(tools.accessSummary()).toMatchObject({ denied: ['get_context'], allowed: ['get_context', 'delete_topic'] })
    expect(() => tools.setRole('superuser')).toThrow(expect.objectContaining({ code: 'role.unknown' }))
  })
})

describe('mistakes of a caller', () => {
  const mistakes: [string, unknown, string][] = [
    ['get_contexts', {}, 'tool.unknown'],
    ['get_context', null, 'tool.arguments'],
    ['get_context', [], 'tool.arguments'],
    ['get_context', 'key', 'tool.arguments'],
    ['get_context', { kye: 'k' }, 'tool.arguments'],
    ['get_context', { key: 'nothing' }, 'context.missing'],
    ['get_context', { key: 'a\u0000b' }, 'name.invalid'],
    ['push_context', { key: 'k' }, 'tool.arguments'],
    ['push_context', { key: 'k', value: 'v', ttl: 0 }, 'tool.arguments'],
    ['push_context', { key: 'k', value: 'v', ttl: '60' }, 'tool.arguments'],
    ['push_context', { key: 'k', value: 'v', lifecycle: 'never' }, 'validation.failed'],
    ['push_context', { key: 'k', value: 'v', topics: 'a, b' }, 'tool.arguments'],
    ['delete_context', { key: 'nothing' }, 'context.missing'],
    ['batch_context_operation', { operations: [{ type: 'remove', key: 'k' }] }, 'tool.arguments'],
    ['send_message_to_agent', { to_agent: '', message: 'hi' }, 'name.invalid'],
  ]
  for (const [tool, args, code] of mistakes)
    test(`A mistake of a caller is a result of ${tool} and not an exception: ${JSON.stringify(args)}.`, async () => {
      await using team = await openTeam()
      const result = await team.agent('A').tools.call(tool, args)
      expect(result).toMatchObject({ success: false, code, error: expect.any(String), suggestion: expect.any(String) })
      expect(JSON.parse(JSON.stringify(result))).toEqual(result)
    })

  test('An atomic batch that fails is a result, with the result of each operation.', async () => {
    await using team = await openTeam()
    await team.agent('B').context.push('foreign', 1)
    const operations = [
      { type: 'push', key: 'k', value: '{"kept":"as text"}' },
      { type: 'push', key: 'foreign', value: '2' },
    ]
    const { tools, context } = team.agent('A')
    const failed = await tools.call('batch_context_operation', { operations, atomic: true })
    expect(failed).toMatchObject({
      success: false,
      code: 'context.denied',
      error: expect.stringMatching(/^Operation 1 failed: .*foreign/),
      ...{ total_operations: 2, successful_operations: 0, failed_operations: 2, atomic: true },
      results: [
        { operation: 0, type: 'push', key: 'k', success: false, code: 'batch.aborted', error: expect.any(String) },
        { operation: 1, key: 'foreign', success: false, code: 'context.denied', error: expect.any(String) },
      ],
    })
    expect(await context.get('k')).toBe(undefined)
    const partly = await tools.call('batch_context_operation', { operations })
    expect(partly).toMatchObject({
      success: false,
      successful_operations: 1,
      failed_operations: 1,
      error: expect.stringContaining('Operation 1'),
    })
    expect(await context.get('k')).toBe('{"kept":"as text"}')
    const read = [
      { type: 'get', key: 'k' },
      { type: 'delete', key: 'k' },
    ]
    expect(await tools.call('batch_context_operation', { operations: read })).toMatchObject({
      successful_operations: 2,
    })
  })
})

describe('tools on entries and topics', () => {
  test('The tools on entries and topics report what they did.', async () => {
    await using team = await openTeam()
    const { tools, context } = team.agent('A')
    expect(
      await tools.call('push_context', { key: 'k', value: '{"a":[1]}', topics: ['x'], ttl: 60, audience: null }),
    ).toMatchObject({
      success: true,
      value: { a: [1] },
      value_parsed: true,
      version: 1,
      topics: ['x'],
    })
    expect((await context.getEntry('k'))?.expiresAt).toBeDefined()
    expect(await tools.call('push_context', { key: 'n', value: '123' })).toMatchObject({
      value: '123',
      value_parsed: false,
    })
    for (const [value, stored] of [
      ['{"id":12345678901234567890}', '{"id":12345678901234567890}'],
      ['[9007199254740993]', '[9007199254740993]'],
      ['{"change":-0.0}', '{"change":-0.0}'],
      ['[1e999]', '[1e999]'],
      ['[1e3,-0.5,"-0","Infinity"]', [1_000, -0.5, '-0', 'Infinity']],
      [
        '[9007199254740992, -1234567890123456, 0.1234567890123456789]',
        [2 ** 53, -1234567890123456, 0.12345678901234568],
      ],
      ['{"id":"12345678901234567890"}', { id: '12345678901234567890' }],
    ])
      expect(await tools.call('push_context', { key: 'n', value })).toMatchObject({
        value: stored,
        value_parsed: typeof stored !== 'string',
      })
    expect(await tools.call('get_context', { keys: ['k', 'none'] })).toMatchObject({
      context: { k: { a: [1] } },
      keys_found: ['k'],
    })
    expect(await tools.call('get_context', { limit: 1 })).toMatchObject({
      context: { k: { a: [1] } },
      cursor: expect.any(String),
    })
    expect(await tools.call('list_context_keys', { pattern: '*' })).toMatchObject({ keys: ['k', 'n'], count: 2 })
    expect(await tools.call('subscribe_to_topics', { topics: ['x'] })).toMatchObject({ topics_subscribed: ['x'] })
    expect(await tools.call('list_context')).toMatchObject({
      keys_by_topic: { x: ['k'] },
      other_keys: ['n'],
      total_keys: 2,
    })
    expect(await tools.call('discover_topics', { include_subscriber_names: true })).toMatchObject({
      topics: { x: { subscriber_count: 1, subscribers: ['A'], is_active: true } },
    })
    expect(await tools.call('unsubscribe_from_topics', { topics: ['x', 'y'] })).toMatchObject({
      topics_unsubscribed: ['x'],
      topics_not_subscribed: ['y'],
      remaining_topics: [],
    })
    expect(await tools.call('delete_context', { key: 'n' })).toMatchObject({ success: true, deleted: true })
  })

  test('Every tool call is an event with its duration and without its arguments.', async () => {
    await using team = await openTeam()
    await team.agent('A').tools.call('push_context', { key: 'some-key', value: 'some-value' })
    const [called] = team.seen.filter(({ type }) => type === 'tool.called')
    expect(called).toMatchObject({ tool: 'push_context', agent: 'A', success: true, durationMs: expect.any(Number) })
    expect(JSON.stringify(called)).not.toContain('some-')
  })
})

describe('tools on messages', () => {
  test('The tools on messages send, read once, and confirm if requested.', async () => {
    await using team = await openTeam()
    const a = team.agent('A')
    const b = team.agent('B')
    const sent = await a.tools.call('send_message_to_agent', {
      to_agent: 'B',
      message: 'hi',
      priority: 'high',
      requires_confirmation: true,
    })
    expect(sent).toMatchObject({
      success: true,
      message_id: expect.any(String),
      thread_id: expect.stringMatching(/^thread_/),
    })
    const read = await b.tools.call('get_messages_from_agents', { from_agent: 'A' })
    expect(read).toMatchObject({
      count: 1,
      confirmations_sent: 1,
      messages: [{ from: 'A', message: 'hi', type: 'info', priority: 'high', read: false }],
    })
    expect(await b.tools.call('get_messages_from_agents')).toMatchObject({ count: 0 })
    expect(await b.tools.call('get_messages_from_agents', { unread_only: false })).toMatchObject({
      messages: [{ read: true }],
    })
    expect(await a.tools.call('get_messages_from_agents')).toMatchObject({
      messages: [{ from: 'B', type: 'message.confirmed' }],
    })
    const [delivery] = await b.mailbox.receive()
    await delivery?.ack()
    expect(await a.tools.call('get_messages_from_agents', { unread_only: false })).toMatchObject({ count: 1 })
  })

  test('A broadcast by a tool reaches each recipient once, without the sender.', async () => {
    await using team = await openTeam()
    const none = { to_agents: ['', '\u0000'], message: 'all' }
    expect(await team.agent('A').tools.call('broadcast_message_to_agents', none)).toMatchObject({
      ...{
        success: false,
        code: 'name.invalid',
        failed_sends: 2,
        error: expect.any(String),
        suggestion: expect.any(String),
      },
    })
    const a = team.agent('A')
    expect(
      await a.tools.call('broadcast_message_to_agents', { to_agents: ['A', 'B', 'B', 'C'], message: 'all' }),
    ).toMatchObject({
      total_recipients: 2,
      successful_sends: 2,
    })
    expect(await a.tools.call('get_messages_from_agents')).toMatchObject({ count: 0 })
  })

  test('A message of bytes is shown to a tool as its size.', async () => {
    await using team = await openTeam()
    const Scan = defineMessage('scan', bytesSchema())
    await team.agent('A').messages.send(Scan, new Uint8Array(3), { to: 'B' })
    const got = await team.agent('B').tools.call('get_messages_from_agents', {})
    expect(got).toMatchObject({ messages: [{ type: 'scan', message: '(3 bytes)' }] })
  })
  test("A tool call under another agent's name is rejected, and is an incident.", async () => {
    await using team = await openTeam()
    const a = team.agent('A')
    expect(
      await a.tools.call('send_message_to_agent', { from_agent: 'B', to_agent: 'C', message: 'hi' }),
    ).toMatchObject({ code: 'agent.mismatch' })
    expect(await a.tools.call('get_context', { agent_name: 'A', keys: [] })).toMatchObject({ success: true })
    expect(team.seen.filter(({ type }) => type === 'incident.recorded')).toHaveLength(1)
  })

  test('An argument without effect is a mistake, explained in the words of the tool.', async () => {
    await using team = await openTeam()
    const { tools, context } = team.agent('A')
    await context.push('k', 1)
    const batch = (operation: object) => tools.call('batch_context_operation', { operations: [operation] })
    const both = { key: 'k', keys: ['other'] }
    for (const [result, pattern] of [
      [await batch({ type: 'get', key: 'k', if_version: 7 }), /operations\.0\.if_version: a get takes none/],
      [await batch({ type: 'delete', key: 'k', subscribers: [] }), /operations\.0\.subscribers: a delete takes none/],
      [await tools.call('get_context', both), /key and keys: give one/],
      [
        await tools.call('push_context', { key: 'k', value: 'v', writers: 'all' }),
        /writers: it must be owner, readers, or/,
      ],
      [await tools.call('push_context', { key: 'k', value: 'v', ttl: 1e300 }), /ttl: Too big.*3153600000/],
      [await tools.call('send_message_to_agent', { to_agent: 'B', message: 'm', ttl: 1e300 }), /ttl: Too big/],
    ] as const)
      expect(result).toMatchObject({ success: false, code: 'tool.arguments', error: expect.stringMatching(pattern) })
    expect(await batch({ type: 'delete', key: 'k', if_version: 1, subscribers: null })).toMatchObject({ success: true })
  })

  test("An operation of a batch under another agent's name is rejected, and is an incident.", async () => {
    await using team = await openTeam()
    const { tools, context } = team.agent('A')
    const push = (agent_name: string) =>
      tools.call('batch_context_operation', { operations: [{ type: 'push', key: 'k', value: 'v', agent_name }] })
    expect(await push('B')).toMatchObject({ code: 'agent.mismatch' })
    expect(await context.get('k')).toBe(undefined)
    expect(await push('A')).toMatchObject({ success: true })
    expect(team.seen.filter(({ type }) => type === 'incident.recorded')).toMatchObject([
      { agent: 'A', action: 'batch_context_operation', code: 'agent.mismatch' },
    ])
  })
})

describe('the formats of providers', () => {
  test('The formats of providers accept the calls of their providers.', async () => {
    await using team = await openTeam()
    const { tools, context } = team.agent('A')
    await context.push('k', 1)
    const openAi = toOpenAI(tools)
    expect(openAi.tools[0]).toMatchObject({ type: 'function', function: { name: 'get_context', strict: true } })
    expect(await openAi.call({ function: { name: 'get_context', arguments: '{"key":"k"}' } })).toMatchObject({
      value: 1,
    })
    expect(await openAi.call({ function: { name: 'get_context', arguments: '{bad' } })).toMatchObject({
      success: false,
    })
    expect(await toAnthropic(tools).call({ type: 'tool_use', name: 'get_context', input: { key: 'k' } })).toMatchObject(
      { value: 1 },
    )
    const sdk = toAiSdk(tools)
    expect(await sdk.tools.get_context?.execute({ key: 'k' })).toMatchObject({ value: 1 })
    expect(await sdk.call({ toolName: 'get_context', input: { key: 'k' } })).toMatchObject({ value: 1 })
    const [chain] = toLangChain(tools).tools
    expect(JSON.parse((await chain?.invoke({ key: 'k' })) ?? '')).toMatchObject({ value: 1 })
    expect(
      JSON.parse((await toLangGraph(tools).tools[0]?.function({ type: 'tool_call', args: { key: 'k' } })) ?? ''),
    ).toMatchObject({ value: 1 })
  })

  test('The tools of an application keep their names, and built-in tools that clash are prefixed.', async () => {
    await using team = await openTeam()
    const { tools, context } = team.agent('A')
    await context.push('k', 1)
    const merged = mergeTools(tools, {
      get_context: { description: 'mine', execute: async () => 'mine' },
      broken: { execute: () => Promise.reject(new Error('out of order')) },
    })
    expect(merged.definitions().map(({ name }) => name)).toEqual(
      expect.arrayContaining(['get_context', 'troupe_get_context', 'push_context']),
    )
    expect(await merged.call('get_context', {})).toBe('mine')
    expect(await merged.call('troupe_get_context', { key: 'k' })).toMatchObject({ value: 1 })
    expect(await merged.call('broken', {})).toMatchObject({ success: false, error: 'out of order' })
    expect(await merged.call('nonsense', {})).toMatchObject({ success: false, code: 'tool.unknown' })
    expect(await toOpenAI(merged).call({} as never)).toMatchObject({ success: false, code: 'tool.unknown' })
  })

  test('Each tool has a unique name, whatever an application names its tools.', async () => {
    await using team = await openTeam()
    const own = { execute: () => 'mine' }
    const merged = mergeTools(team.agent('A').tools, { get_context: own, troupe_get_context: own })
    const names = merged.definitions().map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(await merged.call('troupe_get_context', {})).toBe('mine')
    expect(await merged.call('troupe_troupe_get_context', {})).toMatchObject({ success: true, context: {} })
  })
})

describe('a system prompt', () => {
  test('A system prompt contains the entries that the agent can see, complete ones only, and leaves other braces alone.', async () => {
    await using team = await openTeam()
    const a = team.agent('A')
    await team.agent('B').context.push('from_b', 'hello')
    await team.agent('B').context.push('private', 'hidden', { audience: 'owner' })
    await a.context.push('company_vision', 'to help')
    const prompt = await buildSystemPrompt(a, { template: 'Be {kind}.\n{context}\n{context}' })
    expect(prompt).toBe('Be {kind}.\n[Context]\nCompany Vision: to help\nFrom B: hello (from B)\n{context}')
    expect(await buildSystemPrompt(a, { keys: ['company_vision'], header: false, existing: 'You help.' })).toBe(
      'You help.\n\nCompany Vision: to help',
    )
    expect(await buildSystemPrompt(a, { keys: ['none'], fallback: 'Nothing known.' })).toBe('Nothing known.')
    await a.context.push('heard', 'a rumour', { taint: ['untrusted:web'] })
    expect(await buildSystemPrompt(a, { keys: ['heard', 'from_b'], header: 'Known:' })).toBe(
      'Known:\nHeard: a rumour (untrusted:web)\nFrom B: hello (from B)',
    )
    await a.context.delete('heard')
    await a.context.push('long', 'x'.repeat(1_000))
    const short = await buildSystemPrompt(a, { maxTokens: 20 })
    expect(short).toContain('to help')
    expect(short).not.toContain('xxx')
    expect(short).toContain('1 more')
  })
})

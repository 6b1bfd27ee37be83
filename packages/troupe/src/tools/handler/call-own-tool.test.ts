/** Users' own tools beside the built-in ones: what they were defined with holds there, too. */
import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { defineTool, type ToolCall } from '../define-tool.ts'
import { mergeTools, toLangChain, toOpenAI } from './index.ts'
import { openTeam } from './tool-testbed.test.fixture.ts'

const inputSchema = z.object({ q: z.string() })
const own = (name: string, more: object = {}) =>
  defineTool({ name, description: name, inputSchema, effect: 'read', execute: ({ q }) => ({ q }), ...more })

describe('a tool in a hybrid handler', () => {
  test('A tool in a hybrid handler is never called without the approval that it needs.', async () => {
    await using team = await openTeam()
    const execute = vi.fn(() => 'paid')
    const { tools } = team.agent('A')
    const always = own('pay', { execute, needsApproval: true })
    expect(() => mergeTools(tools, [always])).toThrow(/pay .*approve each call.*give it to an agent/)
    const merged = mergeTools(tools, [own('pay', { execute, needsApproval: ({ q }: { q: string }) => q === 'much' })])
    expect(await merged.call('pay', { q: 'little' })).toBe('paid')
    expect(await merged.call('pay', { q: 'much' })).toMatchObject({
      success: false,
      code: 'tool.unapproved',
      tool: 'pay',
      agent: 'A',
    })
    expect(execute).toHaveBeenCalledTimes(1)
    expect(team.seen.filter(({ type }) => type === 'tool.called')).toMatchObject([
      { security: true },
      { security: true },
    ])
  })

  test('A tool in a hybrid handler is not called if its needsApproval returned neither true nor false.', async () => {
    await using team = await openTeam()
    const execute = vi.fn(() => 'paid')
    const merged = mergeTools(team.agent('A').tools, [own('pay', { execute, needsApproval: () => undefined })])
    expect(await merged.call('pay', { q: '' })).toMatchObject({ success: false, code: 'validation.failed' })
    expect(execute).not.toHaveBeenCalled()
  })

  test('A tool in a hybrid handler gets a key of its own for each call, and the egress fetch.', async () => {
    const fetch = vi.fn()
    await using team = await openTeam()
    const { tools } = team.agent('A', {}, { guard: { fetchFor: () => fetch } })
    const seen: ToolCall[] = []
    const merged = mergeTools(tools, [own('a', { execute: (_: unknown, call: ToolCall) => seen.push(call) })])
    await merged.call('a', { q: '1' })
    await merged.call('a', { q: '2' })
    expect(new Set(seen.map(({ key }) => key)).size).toBe(2)
    expect(seen.map((call) => call.fetch)).toEqual([fetch, fetch])
  })

  test('A tool in a hybrid handler ends at its timeout, and its signal aborts.', async () => {
    await using team = await openTeam()
    const stopped = vi.fn()
    const begun = Promise.withResolvers<void>()
    const execute = (_: unknown, { signal }: ToolCall) => {
      signal.addEventListener('abort', stopped)
      begun.resolve()
      return new Promise(() => {})
    }
    const called = mergeTools(team.agent('A').tools, [own('slow', { timeout: '5s', execute })]).call('slow', { q: '' })
    await begun.promise
    await team.clock.advance('5s')
    expect(await called).toMatchObject({ success: false, code: 'timeout', retry_after: 30, tool: 'slow' })
    expect(stopped).toHaveBeenCalledTimes(1)
  })

  test('A tool in a hybrid handler returns JSON in the form that it declares.', async () => {
    await using team = await openTeam()
    const merged = mergeTools(team.agent('A').tools, [
      own('wrong', { outputSchema: z.object({ n: z.number() }) }),
      own('dated', { execute: () => ({ at: new Date(0) }) }),
      own('nothing', { execute: () => undefined }),
      own('big', { execute: () => 10n }),
    ])
    const of = (name: string) => merged.call(name, { q: 'x' })
    expect(await of('wrong')).toMatchObject({ success: false, code: 'validation.failed' })
    expect(await of('dated')).toEqual({ at: '1970-01-01T00:00:00.000Z' })
    expect(await of('nothing')).toBeNull()
    expect(await of('big')).toMatchObject({ success: false, code: 'tool.failed' })
    const bare = toLangChain(
      mergeTools(team.agent('A').tools, { nothing: { execute: () => {} }, big: { execute: () => 10n } }),
    )
    expect(await Promise.all(bare.tools.slice(0, 2).map((tool) => tool.invoke({})))).toEqual(['null', '10'])
  })

  test('A rejected call of a hybrid handler names all available tools by their names there.', async () => {
    await using team = await openTeam()
    const { tools } = team.agent('A', { role: 'readonly', deny: ['refund'] })
    const merged = mergeTools(tools, [own('get_context'), own('refund'), own('search')])
    const available_tools = ['get_context', 'search', 'troupe_get_context', 'list_context', 'list_context_keys']
    const rejections = { serch: 'tool.unknown', push_context: 'access.denied', refund: 'access.denied' }
    for (const [name, code] of Object.entries(rejections)) {
      const rejected = await merged.call(name, {})
      expect(rejected).toMatchObject({ success: false, code, available_tools: expect.arrayContaining(available_tools) })
      expect((rejected as { available_tools: string[] }).available_tools).not.toContain('refund')
    }
    expect(await merged.call('serch', {})).toMatchObject({ suggestion: 'Did you mean search?' })
  })
})

test('A call of OpenAI is accepted in its chat form and in its responses form.', async () => {
  await using team = await openTeam()
  const { call } = toOpenAI(mergeTools(team.agent('A').tools, [own('search')]))
  const args = '{"q":"teapots"}'
  expect(await call({ id: '1', type: 'function', function: { name: 'search', arguments: args } })).toEqual({
    q: 'teapots',
  })
  expect(await call({ type: 'function_call', call_id: '1', name: 'search', arguments: args })).toEqual({ q: 'teapots' })
  expect(await call(null as never)).toMatchObject({ success: false, code: 'tool.unknown' })
})

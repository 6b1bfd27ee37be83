import { expect, it, onTestFinished } from 'vitest'
import { openProviderTestbed, type ProviderKind, shortPrompt } from './provider-testbed.test.fixture.ts'
import { withCallIds } from './with-call-ids.ts'

const foreign = 'functions.look:0'
const promptWithCalls = (ids: readonly string[]) => {
  const calls = ids.map((toolCallId) => ({ toolCallId, toolName: 'look' }))
  const output = { type: 'text' as const, value: 'seen' }
  return [
    ...shortPrompt,
    { role: 'assistant' as const, content: calls.map((call) => ({ type: 'tool-call' as const, ...call, input: {} })) },
    { role: 'tool' as const, content: calls.map((call) => ({ type: 'tool-result' as const, ...call, output })) },
  ]
}
/** Returns the ids in a request as each provider spells their fields: of the calls, then of the results. */
const idsIn = (body: unknown): readonly string[] =>
  [...JSON.stringify(body).matchAll(/"(?:id|call_id|tool_call_id|tool_use_id|toolUseId|toolCallId)":"([^"]*)"/g)].map(
    ([, id]) => id as string,
  )

it.each(['anthropic', 'bedrock', 'chat', 'responses'] satisfies ProviderKind[])(
  'A tool call whose id another provider gave has an id that %s accepts, in the call and in its result.',
  async (kind) => {
    const { ask, asked, close } = await openProviderTestbed(kind)
    onTestFinished(close)
    await ask({ prompt: promptWithCalls([foreign, 'x'.repeat(60), 'toolu_01-a']) })
    const ids = idsIn(asked[0]?.body)
    expect(ids).toHaveLength(6)
    expect(ids.slice(0, 3)).toEqual(ids.slice(3))
    expect(new Set(ids).size).toBe(3)
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{1,40}$/)
    expect(ids[2]).toBe('toolu_01-a')
  },
)

it('A tool call whose id another provider gave has an id of nine letters and digits for Mistral.', () => {
  const prompt = promptWithCalls(['toolu_01ABCDEF', 'call_1', 'abcDEF123', 'abcDEF123-2'])
  const ids = idsIn(withCallIds('other', 'mistral/mistral-large-latest', { prompt }).prompt)
  expect(ids).toHaveLength(8)
  expect(ids.slice(0, 4)).toEqual(ids.slice(4))
  expect(new Set(ids).size).toBe(4)
  for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9]{9}$/)
  expect(ids[2]).toBe('abcDEF123')
  expect(withCallIds('other', 'groq/llama', { prompt }).prompt).toEqual(prompt)
})

it('A tool call keeps its id for a server at a URL.', async () => {
  const { ask, asked, close } = await openProviderTestbed('compatible')
  onTestFinished(close)
  await ask({ prompt: promptWithCalls([foreign]) })
  expect(idsIn(asked[0]?.body)).toEqual([foreign, foreign])
})

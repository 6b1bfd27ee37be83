/** Tool calls that a provider executed itself, in the requests that other providers get after it. */
import { expect, it } from 'vitest'
import { z } from 'zod'
import { defineTool } from '../../index.ts'
import { type ProviderKind, requestAfter } from './provider-testbed.test.fixture.ts'

const searched: { readonly [kind in 'anthropic' | 'responses']: object } = {
  anthropic: {
    type: 'message',
    id: 'm',
    role: 'assistant',
    model: 'test',
    content: [
      { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'weather' } },
      {
        type: 'web_search_tool_result',
        tool_use_id: 'srvtoolu_1',
        content: [
          { type: 'web_search_result', url: 'https://a.test', title: 'A', encrypted_content: 'x', page_age: null },
        ],
      },
      { type: 'text', text: 'It rains.' },
    ],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 7, output_tokens: 3 },
  },
  responses: {
    id: 'r',
    object: 'response',
    created_at: 1,
    model: 'test',
    status: 'completed',
    output: [
      {
        type: 'web_search_call',
        id: 'ws_1',
        status: 'completed',
        action: { type: 'search', query: 'weather', sources: [] },
      },
      {
        type: 'message',
        id: 'msg_1',
        role: 'assistant',
        content: [{ type: 'output_text', text: 'It rains.', annotations: [] }],
      },
    ],
    usage: { input_tokens: 7, output_tokens: 3 },
  },
}

const look = defineTool({
  name: 'look',
  description: 'Looks.',
  inputSchema: z.object({}),
  effect: 'pure',
  execute: () => 1,
})

const afterSearch = (first: keyof typeof searched, second: ProviderKind) =>
  requestAfter({ first, answer: searched[first], tools: [look] }, second)

it.each<[keyof typeof searched, ProviderKind]>([
  ['anthropic', 'chat'],
  ['anthropic', 'compatible'],
  ['anthropic', 'bedrock'],
  ['anthropic', 'responses'],
  ['anthropic', 'google'],
  ['responses', 'anthropic'],
  ['responses', 'chat'],
])(
  'A tool call that %s executed itself is not sent to %s, which gets the text of that answer.',
  async (first, second) => {
    const { result, request } = await afterSearch(first, second)
    expect(result).toMatchObject({ success: true })
    expect(request).toContain('It rains.')
    expect(request).not.toMatch(/web_search|srvtoolu_1|ws_1/)
  },
)

it.each([
  ['anthropic', 'srvtoolu_1'],
  ['responses', 'ws_1'],
] as const)('A tool call that %s executed itself is sent to it again.', async (kind, id) => {
  const { request } = await afterSearch(kind, kind)
  expect(request).toContain(id)
})

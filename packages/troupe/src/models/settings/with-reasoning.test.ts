/** Reasoning of one model in the requests that other models get after it. */
import { expect, it } from 'vitest'
import { type ProviderKind, requestAfter } from './provider-testbed.test.fixture.ts'

const thought: { readonly [kind in 'anthropic' | 'compatible']: object } = {
  anthropic: {
    type: 'message',
    id: 'm',
    role: 'assistant',
    model: 'test',
    content: [
      { type: 'thinking', thinking: 'Clouds are near.', signature: 'signed' },
      { type: 'text', text: 'It rains.' },
    ],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 7, output_tokens: 3 },
  },
  compatible: {
    id: 'c',
    object: 'chat.completion',
    created: 1,
    model: 'test',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: 'It rains.', reasoning_content: 'Clouds are near.' },
        finish_reason: 'stop',
      },
    ],
    usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
  },
}

const afterThought = async (first: keyof typeof thought, second: ProviderKind) => {
  const { result, request } = await requestAfter({ first, answer: thought[first] }, second)
  expect(result).toMatchObject({ success: true })
  return request
}

it.each<[keyof typeof thought, ProviderKind]>([
  ['anthropic', 'compatible'],
  ['anthropic', 'google'],
  ['compatible', 'google'],
  ['compatible', 'bedrock'],
  ['compatible', 'anthropic'],
])('The reasoning of a model behind %s is not sent to one behind %s, which gets the answer.', async (first, second) => {
  const request = await afterThought(first, second)
  expect(request).toContain('It rains.')
  expect(request).not.toContain('Clouds are near.')
})

it.each<keyof typeof thought>(['anthropic', 'compatible'])(
  'The reasoning of a model behind %s is sent to it again.',
  async (kind) => {
    expect(await afterThought(kind, kind)).toContain('Clouds are near.')
  },
)

/** Reasoning of one model in the requests that other models get after it. */
import { expect, it, onTestFinished } from 'vitest'
import { createTroupe, LlmAgent } from '../../index.ts'
import { openProviderServer, type ScriptedResponse } from '../provider-server.test.fixture.ts'
import { modelOf, oneWord, type ProviderKind } from './provider-testbed.test.fixture.ts'

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

/** @returns the request of `second` in a turn after one in which `first` has reasoned */
async function requestAfter(first: keyof typeof thought, second: ProviderKind): Promise<string> {
  const failing: ScriptedResponse = { fault: { kind: 'status', status: 400 } }
  const servers = {
    first: await openProviderServer([{ raw: thought[first] }, first === second ? oneWord[first] : failing]),
    second: await openProviderServer([oneWord[second]]),
  }
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  onTestFinished(async () => {
    await troupe.close()
    servers.first.close()
    servers.second.close()
  })
  const chain = [modelOf(first, servers.first.url), modelOf(second, servers.second.url)]
  const session = troupe.user('ada').session(new LlmAgent({ name: 'Clerk', model: chain }))
  expect((await session.run('How is the weather?')).success).toBe(true)
  expect((await session.run('And tomorrow?')).success).toBe(true)
  return JSON.stringify((first === second ? servers.first.asked[1] : servers.second.asked[0])?.body)
}

it.each<[keyof typeof thought, ProviderKind]>([
  ['anthropic', 'compatible'],
  ['anthropic', 'google'],
  ['compatible', 'google'],
  ['compatible', 'bedrock'],
  ['compatible', 'anthropic'],
])('The reasoning of a model behind %s is not sent to one behind %s, which gets the answer.', async (first, second) => {
  const request = await requestAfter(first, second)
  expect(request).toContain('It rains.')
  expect(request).not.toContain('Clouds are near.')
})

it.each<keyof typeof thought>(['anthropic', 'compatible'])(
  'The reasoning of a model behind %s is sent to it again.',
  async (kind) => {
    expect(await requestAfter(kind, kind)).toContain('Clouds are near.')
  },
)

import type { LanguageModelV4, LanguageModelV4CallOptions } from '@ai-sdk/provider'
import { expect, it, test } from 'vitest'
import { createTroupe, LlmAgent } from '../../index.ts'

const usage = { inputTokens: { total: 3 }, outputTokens: { total: 2 } }
const model = (more: object) =>
  ({
    ...{ specificationVersion: 'v4', provider: 'own', modelId: 'one', supportedUrls: {} },
    doGenerate: async ({ prompt }: LanguageModelV4CallOptions) => ({
      content: [
        { type: 'reasoning', text: 'It is a greeting.' },
        { type: 'text', text: `${prompt.length} messages` },
      ],
      ...{ finishReason: { unified: 'stop' }, usage, warnings: [] },
    }),
    ...more,
  }) as unknown as LanguageModelV4

it('A model object without doStream answers a stream in one piece.', async () => {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const agent = new LlmAgent({ name: 'Clerk', instructions: 'Help.', model: model({}) })
  const stream = troupe.user('ada').session(agent).stream('Hello')
  const parts: unknown[] = []
  for await (const part of stream) parts.push(part)
  expect(JSON.stringify(parts)).toContain('2 messages')
  expect(await stream.result).toMatchObject({ text: '2 messages', usage: { inputTokens: 3, outputTokens: 2 } })
})

test.each([{}, undefined, { stream: 'text' }])(
  'A model whose doStream resolves with %j fails with a sentence.',
  async (answer) => {
    await using troupe = await createTroupe({ storage: 'memory:', log: 'silent', models: { attempts: 1 } })
    const agent = new LlmAgent({ name: 'Clerk', instructions: 'Help.', model: model({ doStream: async () => answer }) })
    const { result } = troupe.user('ada').session(agent).stream('Hello')
    await expect(result).rejects.toThrow(/doStream must return \{ stream \}, a ReadableStream/)
  },
)

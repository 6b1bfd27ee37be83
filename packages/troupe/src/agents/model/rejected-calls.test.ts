import { expect, test } from 'vitest'
import { z } from 'zod'
import { createTroupe, LlmAgent } from '../../startup/index.ts'
import { MockModel } from '../../testing/index.ts'
import { defineTool } from '../../tools/index.ts'

test('A model reads after how many seconds it may retry a tool that a policy rejected, if that is known.', async () => {
  const tool = (name: string, execute: () => string) =>
    defineTool({ name, description: name, inputSchema: z.object({}), effect: 'read', execute })
  const fail = () => {
    throw new Error('the shop is closed')
  }
  const calls = ['limited', 'limited', 'broken', 'broken'].map((name) => ({ toolCalls: [{ name, args: {} }] }))
  const model = new MockModel({ responses: [...calls, 'done'] })
  const agent = new LlmAgent({ name: 'A', model, tools: [tool('limited', () => 'sold'), tool('broken', fail)] })
  await using troupe = await createTroupe({
    storage: 'memory:',
    log: 'silent',
    policies: {
      tools: {
        limited: { rateLimit: { limit: 1, window: '40s' } },
        broken: { breaker: { failures: 1, pause: '20s' } },
      },
    },
  })
  const { toolCalls } = await troupe.user('ada').session(agent).generate('go')
  expect(toolCalls.map(({ result }) => result)).toEqual([
    'sold',
    { error: expect.stringContaining('rate limit'), retry_after: 40 },
    { error: expect.stringContaining('the shop is closed') },
    { error: expect.stringContaining('circuit'), retry_after: 20 },
  ])
})

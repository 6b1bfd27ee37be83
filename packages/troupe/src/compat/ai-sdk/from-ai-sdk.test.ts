import { afterEach, beforeEach, expect, it } from 'vitest'
import { createTroupe, type Troupe } from '../../index.ts'
import { type AiSdkAgent, fromAiSdk } from './from-ai-sdk.ts'

// The packages themselves are tested by `npm run peers`; here is what they should never give.
let troupe: Troupe
beforeEach(async () => {
  troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
})
afterEach(() => troupe.close())
const ask = (result: unknown) =>
  troupe
    .user('ada')
    .session(fromAiSdk({ generate: async () => result } as AiSdkAgent, { name: 'S' }))
    .run('x')

it('fromAiSdk reports a missing or incomplete result as a failure with a code.', async () => {
  for (const result of [undefined, null, { text: '', finishReason: 'length' }])
    expect(await ask(result)).toMatchObject({ status: 'failed', error: { code: 'compat.unfinished' } })
  const error = { code: 'json.unsupported' }
  expect(await ask({ text: 'x', output: new Date(), finishReason: 'stop' })).toMatchObject({ status: 'failed', error })
})

it('fromAiSdk counts invalid usage as zero.', async () => {
  for (const usage of [
    { inputTokens: -5, outputTokens: '3' },
    { inputTokens: 1e300, outputTokens: 2 ** 53 },
  ])
    expect(await ask({ text: 'x', finishReason: 'stop', usage })).toMatchObject({
      text: 'x',
      usage: { inputTokens: 0, outputTokens: 0 },
    })
})

it('fromAiSdk counts the tokens of all steps for agents of AI SDK 6.', async () => {
  const totalUsage = { inputTokens: 30, outputTokens: 5 }
  const usage = { inputTokens: 10, outputTokens: 2 }
  expect(await ask({ text: 'x', finishReason: 'stop', usage, totalUsage })).toMatchObject({ usage: totalUsage })
})

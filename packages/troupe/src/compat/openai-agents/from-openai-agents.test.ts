import { expect, it } from 'vitest'
import { createTroupe } from '../../index.ts'
import { fromOpenAiAgents } from './from-openai-agents.ts'

// The package itself is tested by `npm run peers`; here are the answers of its older versions.
it('fromOpenAiAgents counts the tokens of the context, and those of the responses for versions without one.', async () => {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const usage = { inputTokens: 5, outputTokens: 6 }
  const rawResponses = [{ usage }, { usage }, {}]
  const runContext = { usage: { inputTokens: 30, outputTokens: 40 } }
  const ask = async (result: object) => {
    const agent = fromOpenAiAgents({ name: 'S' }, { run: async () => ({ finalOutput: 'x', ...result }) })
    return (await troupe.user('ada').session(agent).run('x')).usage
  }
  expect(await ask({ rawResponses })).toEqual({ inputTokens: 10, outputTokens: 12 })
  expect(await ask({ rawResponses, runContext })).toEqual(runContext.usage)
})

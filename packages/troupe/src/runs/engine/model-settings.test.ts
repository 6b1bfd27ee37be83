/** The settings of model calls in runs: from configuration files, in evaluations, and from the journal. */
import { expect, it, onTestFinished } from 'vitest'
import { LlmAgent, patterns } from '../../index.ts'
import { openProviderServer, type ScriptedResponse } from '../../models/provider-server.test.fixture.ts'
import { troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'

const { ada } = troupesOfTests()

async function openServer(...mockReplies: readonly ScriptedResponse[]) {
  const server = await openProviderServer(mockReplies)
  onTestFinished(() => server.close())
  return server
}
const teamOf = (url: string) =>
  patterns.pipeline({
    stages: [
      {
        agents: [
          new LlmAgent({
            name: 'Clerk',
            model: { url, model: 'test', settings: { seed: 1, reasoning: { effort: 'low' } } },
            settings: { seed: 2, parallelToolCalls: false },
          }),
        ],
      },
    ],
  })

it('The replay of a run answers from the journal what its models were asked with settings.', async () => {
  const { url, asked } = await openServer({ text: 'one' })
  const { orchestra } = await ada()
  const run = await orchestra.start({ task: 't', topology: teamOf(url) })
  expect(await run.result()).toMatchObject({ response: 'one' })
  expect(asked[0]?.body).toMatchObject({ seed: 2, reasoning_effort: 'low', parallel_tool_calls: false })
  expect(await orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
  expect(asked).toHaveLength(1)
})

it('An evaluation asks the model that it is given with the settings of that model.', async () => {
  const { url, asked } = await openServer({ text: 'one' })
  const { orchestra } = await ada()
  const run = await orchestra.start({ task: 't', topology: teamOf(url) })
  await run.result()
  const model = { url, model: 'other', settings: { serviceTier: 'flex' } } as const
  await orchestra.evaluate({ runs: [run.id], change: { model }, score: 'exact' })
  expect(asked[1]?.body).toMatchObject({ model: 'other', service_tier: 'flex', seed: 2 })
})

it('A run whose model cannot take a setting fails with its name before anything is sent.', async () => {
  const { url, asked } = await openServer({ text: 'one' })
  const settings = { reasoning: { effort: 'low', maxTokens: 100 } } as const
  const agent = new LlmAgent({ name: 'Clerk', model: { url, model: 'test' }, settings })
  const result = await (await ada()).orchestra.run({
    task: 't',
    topology: patterns.pipeline({ stages: [{ agents: [agent] }] }),
  })
  const error = { code: 'model.setting', details: { setting: 'reasoning.maxTokens' } }
  expect(result).toMatchObject({ status: 'failed', error })
  expect(asked).toHaveLength(0)
})

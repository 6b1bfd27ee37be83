/** What becomes of a text where the model of a hub was to call `finish`. */
import { expect, it } from 'vitest'
import { z } from 'zod'
import { defineAgent, LlmAgent, type LlmAgentOptions, patterns } from '../../index.ts'
import { troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { type MockItem, MockModel } from '../../testing/index.ts'

const { ada } = troupesOfTests()

const count = defineAgent({ name: 'Count', run: async () => 4 })
function hubOf(responses: readonly MockItem[], options: Partial<LlmAgentOptions> = {}) {
  const model = new MockModel({ responses })
  const hub = new LlmAgent({ name: 'Lead', model, ...options })
  return { model, topology: patterns.hubAndSpoke({ hub, spokes: [count] }) }
}
const lastText = (model: MockModel, call: number) => JSON.stringify(model.calls[call]?.prompt.at(-1)?.content)

it('A hub whose model answers in text is asked once to call finish, and a second text is its answer.', async () => {
  const { model, topology } = hubOf(['There are four.', 'There are four sheep.'])
  const { orchestra } = await ada()
  const run = await orchestra.start({ task: 'Count the sheep.', topology })
  expect(await run.result()).toMatchObject({ status: 'completed', response: 'There are four sheep.' })
  expect(model.calls).toHaveLength(2)
  expect(lastText(model, 1)).toContain('If it is your answer, call finish')
  expect(await orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
})

it('A hub whose model calls finish after it was asked to answers with that.', async () => {
  const finish: MockItem = { toolCalls: [{ name: 'finish', args: { answer: 'Four.' } }] }
  const { topology } = hubOf(['There are four.', finish])
  expect(await (await ada()).orchestra.run({ task: 'Count.', topology })).toMatchObject({ response: 'Four.' })
})

it('The text of a hub with an output schema is its answer where it fits the schema.', async () => {
  const output = z.object({ sheep: z.number() })
  const { model, topology } = hubOf(['Four.', 'Still four.', '{ "sheep": 4 }'], { output })
  expect(await (await ada()).orchestra.run({ task: 'Count.', topology })).toMatchObject({ response: { sheep: 4 } })
  expect(lastText(model, 2)).toContain('does not fit the form')
})

/** Answers that the maximum number of tokens cut off. */
import { expect, it } from 'vitest'
import { z } from 'zod'
import { LlmAgent, type LlmAgentOptions } from '../../index.ts'
import { troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { type MockItem, MockModel } from '../../testing/index.ts'

const { ada } = troupesOfTests()

const cut = (text: string): MockItem => ({ text, finish: 'length' })

async function asked(responses: readonly MockItem[], options: Partial<LlmAgentOptions> = {}) {
  const model = new MockModel({ responses })
  const session = (await ada()).session(new LlmAgent({ name: 'Clerk', model, ...options }))
  return { model, result: await session.run('List the orders.') }
}
const lastText = (model: MockModel) => JSON.stringify(model.calls.at(-1)?.prompt.at(-1)?.content)

it('A result says why the model ended its answer.', async () => {
  expect((await asked(['All.'])).result).toMatchObject({ text: 'All.', finish: 'stop' })
  expect((await asked([cut('The first ord')])).result).toMatchObject({ text: 'The first ord', finish: 'length' })
})

it('A model whose answer was cut off before its form was complete is asked for a shorter one.', async () => {
  const output = z.object({ orders: z.array(z.number()) })
  const { model, result } = await asked([cut('{"orders":[1,2,'), '{"orders":[1]}'], { output })
  expect(result).toMatchObject({ response: { orders: [1] }, finish: 'stop' })
  expect(lastText(model)).toContain('Give a shorter one that is complete')
})

it('An agent whose answers are all cut off fails after three, with the reason and the setting to raise.', async () => {
  const output = z.object({ orders: z.array(z.number()) })
  for (const text of ['{"orders":[1,2,', '']) {
    const { model, result } = await asked([cut(text), cut(text), cut(text)], { output })
    expect(result).toMatchObject({ status: 'failed', error: { code: 'model.answer' } })
    expect((result as { readonly error: Error }).error.message).toContain(
      'the maximum number of tokens cut off its last answer (raise maxOutputTokens, or ask for less)',
    )
    expect(model.calls).toHaveLength(3)
  }
})

it('A model whose provider reports an error after half an answer is asked again, and fails after three.', async () => {
  const half: MockItem = { text: 'I will look it up.', finish: 'error' }
  const { model, result } = await asked([half, 'Two orders.'])
  expect(result).toMatchObject({ text: 'Two orders.', finish: 'stop' })
  expect(lastText(model)).toContain('ended with an error')
  const failed = await asked([half, half, half])
  expect(failed.result).toMatchObject({ status: 'failed', error: { code: 'model.answer' } })
  expect((failed.result as { readonly error: Error }).error.message).toContain('failed to finish its last answer')
})

it('An agent whose calls cannot be carried out fails with the reason that they were cut off.', async () => {
  const call: MockItem = { toolCalls: [{ name: 'unknown' }], finish: 'length' }
  const { result } = await asked([call, call, call, call, call])
  expect((result as { readonly error: Error }).error.message).toMatch(/could be carried out, and the maximum number/)
})

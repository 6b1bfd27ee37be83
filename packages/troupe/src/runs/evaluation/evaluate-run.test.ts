/** Tests of the state after the evaluation of one run: its usage and its reserved limits. */
import { expect, it } from 'vitest'
import { createTroupe, defineAgent, LlmAgent } from '../../index.ts'
import { MockModel } from '../../testing/index.ts'

it('An evaluation that is aborted returns the unused part of the daily limits of its user.', async () => {
  await using troupe = await createTroupe({
    storage: 'memory:',
    log: 'silent',
    limits: { user: { perDay: { tokens: 4_000 } } },
  })
  const ada = troupe.user('ada')
  const begun = Promise.withResolvers<void>()
  const usage = { inputTokens: 3_000, outputTokens: 990 }
  const writer = new LlmAgent({
    name: 'W',
    model: new MockModel({ responses: [{ text: 'said', usage }] }),
    settings: { maxOutputTokens: 5 },
  })
  const stuck = defineAgent({
    name: 'A',
    run: async (_, ctx) => {
      begun.resolve()
      await new Promise<void>((done) => ctx.signal.addEventListener('abort', () => done()))
    },
  })
  const run = await ada.orchestra.start({ task: 't', agent: defineAgent({ name: 'A', run: async () => 1 }) })
  await run.result()
  const controller = new AbortController()
  const { signal } = controller
  const options = { runs: [run.id], score: 'exact' } as const
  const change = { topology: { agents: [writer, stuck], flows: ['W -> A'] } }
  const evaluation = ada.orchestra.evaluate({ ...options, change, signal })
  await begun.promise
  controller.abort()
  await expect(evaluation).rejects.toMatchObject({ name: 'CancelledError' })
  expect((await ada.orchestra.evaluate({ ...options, change: {} })).total).toMatchObject({ scored: 1 })
  // 10 tokens are left, which are not enough for the model.
  expect((await ada.orchestra.evaluate({ ...options, change })).total).toMatchObject({ failed: 1 })
})

import { afterEach, beforeEach, expect, it } from 'vitest'
import { createTroupe, defineAgent, finish, LlmAgent, type Run, type Troupe } from '../../../index.ts'
import { MockModel } from '../../../testing/index.ts'

let troupe: Troupe
let model: MockModel
beforeEach(async () => {
  troupe = await createTroupe({
    storage: 'memory:',
    log: 'silent',
    prices: { 'mock/mock': { input: 100, output: 1_000 } },
  })
  model = new MockModel({ responses: [{ text: 'noted', usage: { inputTokens: 900, outputTokens: 100 } }] })
})
afterEach(() => troupe.close())

const team = () => {
  const clerk = new LlmAgent({ name: 'Clerk', model })
  const payer = defineAgent({
    name: 'Payer',
    run: async (_, ctx) => {
      await ctx.effect('look', { class: 'read' }, () => 1)
      await ctx.effect('mark', { class: 'idempotent' }, () => 1)
      await ctx.effect('pay', { class: 'at-most-once' }, () => 1)
      return finish(await ctx.ask({ text: 'Enough?' }))
    },
  })
  return { agents: [clerk, payer], flows: ['Start -> Clerk', 'Clerk -> Payer', 'Payer -> End'] }
}
const ended = async (): Promise<Run> => {
  const run = await troupe.user('ada').orchestra.start({ task: 'x', topology: team() })
  const { questions = [] } = await run.result()
  await run.answer(questions[0]?.id ?? '', 'yes')
  expect(await run.result()).toMatchObject({ status: 'completed', response: 'yes' })
  return run
}
const planOf = (run: Run, options: object) => troupe.user('ada').orchestra.planFork(run.id, options as never)
const seqOf = async (run: Run, type: string, step: string): Promise<number> => {
  for await (const event of run.events())
    if (event.type === type && 'step' in event && event.step === step) return event.seq
  return 0
}

it('The plan of a fork lists what is shared, paid, repeated and asked, and starts nothing.', async () => {
  const run = await ended()
  const asked = [{ agent: 'Payer', kind: 'question', text: 'Enough?' }]
  const effects = [
    { run: run.id, step: '1#2', call: '/effect:pay#1', name: 'pay', class: 'at-most-once' },
    { run: run.id, step: '1#2', call: '/effect:mark#1', name: 'mark', class: 'idempotent' },
  ]
  expect(await planOf(run, { at: 1 })).toEqual({
    sharedSteps: 0,
    paid: { calls: 1, tokens: 1_000, cost: 0.19, unpriced: 0 },
    repeated: effects,
    asked,
  })
  const at = await seqOf(run, 'step.completed', '1#1')
  const free = { calls: 0, tokens: 0, cost: 0, unpriced: 0 }
  expect(await planOf(run, { at })).toEqual({ sharedSteps: 1, paid: free, repeated: effects, asked })
  expect(model.calls).toHaveLength(1)
  expect((await troupe.user('ada').orchestra.list()).items).toHaveLength(1)
})

it('The plan of a fork at a question repeats no effect that its step has recorded, and asks the question.', async () => {
  const run = await ended()
  const plan = await planOf(run, { at: await seqOf(run, 'question.asked', '1#2') })
  expect(plan).toMatchObject({ sharedSteps: 1, repeated: [], asked: [{ text: 'Enough?' }] })
})

it('The plan of a fork that replaces the result of a step repeats nothing of that step.', async () => {
  const run = await ended()
  const at = await seqOf(run, 'step.started', '1#2')
  expect(await planOf(run, { at, edit: { results: { Payer: 'y' } } })).toMatchObject({ repeated: [], asked: [] })
  await expect(planOf(run, { at: 1_000 })).rejects.toMatchObject({ code: 'validation.failed' })
})

it('The plan of a fork counts the model calls whose price is unknown.', async () => {
  await troupe.close()
  troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const run = await ended()
  expect((await planOf(run, { at: 1 })).paid).toEqual({ calls: 1, tokens: 1_000, cost: 0, unpriced: 1 })
})

/** The stored result of a run that still waits after a person has answered or edited something. */
import { expect, it } from 'vitest'
import { defineAgent, finish, type RunResult } from '../../../index.ts'
import { solo, troupesOfTests } from '../../../startup/troupe-testbed.test.fixture.ts'

const { ada } = troupesOfTests()

const questionsOf = ({ questions }: RunResult) => questions.map(({ text, agent }) => text ?? agent)

it('A run that waits for two people lists one question once the other is answered.', async () => {
  const { orchestra } = await ada()
  const fails = (name: string) =>
    defineAgent({
      name,
      run: () => {
        throw new Error('no luck')
      },
    })
  const split = defineAgent({ name: 'Split', run: async () => 1 })
  const join = defineAgent({ name: 'Join', run: async (results: unknown) => finish(results) })
  const flows = ['Start -> Split', 'Split => {A, B}', '{A, B} -> Join', 'Join -> End']
  const agents = [split, fails('A'), fails('B'), join]
  const run = await orchestra.start({ task: 't', topology: { agents, flows }, config: { onFailure: 'ask' } })
  const { questions } = await run.result()
  expect(questions.map(({ agent }) => agent)).toEqual(['A', 'B'])
  await run.answer(questions[0]?.id ?? '', 'skip')
  const after = await run.result()
  expect(after).toMatchObject({ status: 'waiting', questions: [{ agent: 'B' }] })
  expect(after.branchResults.find(({ agent }) => agent === 'A')).toMatchObject({ status: 'failed' })
  await run.answer(after.questions[0]?.id ?? '', 'skip')
  expect(await run.result()).toMatchObject({ status: 'completed' })
})

it('A paused run does not list a question that was answered during the pause.', async () => {
  const { orchestra } = await ada()
  const asks = defineAgent({ name: 'Asks', run: async (_, ctx) => finish(await ctx.ask({ text: 'Which?' })) })
  const run = await orchestra.start({ task: 't', topology: solo(asks) })
  const [question] = (await run.result()).questions
  await run.pause()
  expect(questionsOf(await run.result())).toEqual(['Which?'])
  await run.answer(question?.id ?? '', 'this')
  expect(await run.result()).toMatchObject({ status: 'waiting', reason: 'paused', questions: [] })
  await run.resume()
  expect(await run.result()).toMatchObject({ status: 'completed', response: 'this' })
})

it('A run at a breakpoint shows a branch that ends by an edit as ended.', async () => {
  const { orchestra } = await ada()
  const fails = defineAgent({
    name: 'Fails',
    run: () => {
      throw new Error('no luck')
    },
  })
  const asks = defineAgent({ name: 'Asks', run: async (_, ctx) => finish(await ctx.ask({ text: 'Which?' })) })
  const split = defineAgent({ name: 'Split', run: async () => 1 })
  const flows = ['Start -> Split', 'Split => {Fails, Asks}', 'Fails -> End', 'Asks -> End']
  const topology = { agents: [split, fails, asks], flows }
  const run = await orchestra.start({ task: 't', topology, config: { debug: { breakOn: 'error' } } })
  const before = await run.result()
  expect(before).toMatchObject({ status: 'waiting', reason: 'breakpoint' })
  const { id = '' } = before.branchResults.find(({ agent }) => agent === 'Fails') ?? {}
  await run.edit({ results: { [`${id}#1`]: 'by hand' } })
  const after = await run.result()
  expect(after).toMatchObject({ status: 'waiting', reason: 'breakpoint' })
  expect(after.branchResults.find((branch) => branch.id === id)).toMatchObject({
    status: 'completed',
    value: 'by hand',
  })
})

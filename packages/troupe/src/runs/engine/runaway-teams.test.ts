import { expect, it } from 'vitest'
import { z } from 'zod'
import { createTroupe, defineAgent, defineTool, handOff, invoke, LlmAgent } from '../../index.ts'
import { MockModel } from '../../testing/index.ts'

const eightFold = (name: string, other: string) =>
  defineAgent({
    name,
    run: async (n: number) => invoke(Array.from({ length: 8 }, (_, i) => ({ agent: other, input: 8 * n + i }))),
  })

it('A team that fans out without end and names no budget is stopped by the guard of open branches.', async () => {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const agents = [eightFold('A', 'B'), eightFold('B', 'A')]
  const flows = ['Start -> A', 'A <-> B', 'A -> End', 'B -> End']
  const result = await troupe.user('ada').orchestra.run({ task: 1, topology: { agents, flows } })
  expect(result).toMatchObject({ status: 'failed', error: { code: 'guard.tripped' } })
  expect(result.guard).toMatchObject({ name: 'branches', limit: 2_000 })
  expect(result.totalSteps).toBeLessThan(400)
})

it('The guards of repeated calls and of circular hand-offs report the count and the limit.', async () => {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const { orchestra } = troupe.user('ada')
  const look = defineTool({
    name: 'look',
    description: 'Looks.',
    inputSchema: z.object({}),
    execute: async () => 'nothing',
  })
  const model = new MockModel({
    responses: Array.from({ length: 9 }, () => ({ toolCalls: [{ name: 'look' }] })),
  })
  const agent = new LlmAgent({ name: 'A', model, tools: [look] })
  const repeated = await orchestra.run({ task: 'x', topology: { agents: [agent], flows: ['Start -> A', 'A -> End'] } })
  expect(repeated.guard).toMatchObject({ name: 'repetition', limit: 5, used: 5 })
  expect(repeated.error?.message).toContain('at 5 of 5')
  const agents = ['A', 'B'].map((name) => defineAgent({ name, run: async () => handOff(name === 'A' ? 'B' : 'A', 1) }))
  const flows = ['Start -> A', 'A <-> B', 'A -> End']
  const circled = await orchestra.run({ task: 'x', topology: { agents, flows } })
  expect(circled.guard).toMatchObject({ name: 'pingPong', limit: 20, used: 20 })
  expect(circled.error?.message).toContain('at 20 of 20')
})

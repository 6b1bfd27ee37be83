import { expect, it } from 'vitest'
import { type Agent, defineAgent } from '../../../index.ts'
import { solo, troupesOfTests } from '../../../startup/troupe-testbed.test.fixture.ts'

const { ada } = troupesOfTests()

it('A run with 2,000 child runs on three levels completes under its default budget.', async () => {
  const { orchestra } = await ada()
  const leaf = defineAgent({ name: 'Leaf', run: async () => 1 })
  const above = (name: string, below: Agent, count: number) =>
    defineAgent({
      name,
      run: async (_, ctx) => {
        const runs = await Promise.all(
          Array.from({ length: count }, (_each, task) => ctx.startRun({ task, topology: solo(below) })),
        )
        const results = await Promise.all(runs.map((run) => run.result()))
        return results.reduce((sum, { response }) => sum + 1 + (below === leaf ? 0 : Number(response)), 0)
      },
    })
  const top = above('Top', above('Middle', above('Low', leaf, 10), 9), 20)
  const result = await orchestra.run({ task: 't', topology: solo(top) })
  expect(result.error?.message).toBeUndefined()
  expect(result).toMatchObject({ status: 'completed', response: 2_000, totalSteps: 2_001 })
}, 300_000)

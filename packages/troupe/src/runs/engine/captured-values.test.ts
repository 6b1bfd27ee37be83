/** What is passed to runs and schedules is captured at the call: a later change of the value changes nothing. */
import { expect, it } from 'vitest'
import { defineAgent, finish } from '../../index.ts'
import { solo, troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'

const { ada } = troupesOfTests()

it('An answer is taken as it is at the call.', async () => {
  const { orchestra } = await ada()
  const asks = defineAgent({ name: 'A', run: async (_, ctx) => finish(await ctx.ask({ text: 'Which?' })) })
  const run = await orchestra.start({ task: 't', topology: solo(asks, 'A <-> User') })
  const { questions } = await run.result()
  const value = { choice: ['one'] }
  const answered = run.answer(questions[0]?.id ?? '', value)
  value.choice[0] = 'two'
  await answered
  expect((await run.result()).response).toEqual({ choice: ['one'] })
})

it('An answer to the question of a child run is taken as it is at the call.', async () => {
  const { orchestra } = await ada()
  const asks = defineAgent({ name: 'A', run: async (_, ctx) => finish(await ctx.ask({ text: 'Which?' })) })
  const outer = defineAgent({
    name: 'Outer',
    run: async (_, ctx) => {
      const child = await ctx.startRun({ task: 't', topology: solo(asks, 'A <-> User') })
      return finish((await child.result()).response ?? null)
    },
  })
  const run = await orchestra.start({ task: 't', topology: solo(outer) })
  const { questions } = await run.result()
  const value = { choice: ['one'] }
  const answered = run.answer(questions[0]?.id ?? '', value)
  value.choice[0] = 'two'
  await answered
  expect((await run.result()).response).toEqual({ choice: ['one'] })
})

it('A schedule is taken as it is at the call.', async () => {
  const echo = defineAgent({ name: 'Echo', run: async (task) => finish(task) })
  const user = await ada({ teams: { echo: solo(echo) } })
  const spec = { id: 's', team: 'echo', task: { words: ['one'] }, in: '1ms' as const, tags: ['first'] }
  const created = user.schedules.create(spec)
  spec.task.words[0] = 'two'
  spec.tags[0] = 'second'
  spec.team = 'another'
  Object.assign(spec, { paused: true })
  expect(await created).toMatchObject({ id: 's', team: 'echo' })
  await expect
    .poll(async () => (await user.orchestra.list()).items.map(({ tags }) => tags))
    .toEqual([['first', 'schedule:s']])
  const [listed] = (await user.orchestra.list()).items
  const run = await user.orchestra.get(listed?.id ?? '')
  expect((await run.result()).response).toEqual({ words: ['one'] })
})

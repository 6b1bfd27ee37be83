import { afterEach, beforeEach, expect, it } from 'vitest'
import { createTroupe, defineAgent, finish, type Run, type Troupe } from '../../../index.ts'

let troupe: Troupe
let paid: string[]
beforeEach(async () => {
  troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  paid = []
})
afterEach(() => troupe.close())

const pays = (name: string, fails = () => false) =>
  defineAgent({
    name,
    run: async (input, ctx) => {
      await ctx.effect('pay', { class: 'at-most-once', key: `${name}-17` }, () => void paid.push(name))
      if (fails()) throw new Error('no')
      return input
    },
  })
const line = (...agents: ReturnType<typeof pays>[]) => ({
  agents,
  flows: ['Start', ...agents.map(({ name }) => name), 'End'].flatMap((name, i, all) =>
    i === 0 ? [] : [`${all[i - 1]} -> ${name}`],
  ),
})
const seqOf = async (run: Run, type: string, step: string): Promise<number> => {
  for await (const event of run.events())
    if (event.type === type && 'step' in event && event.step === step) return event.seq
  return 0
}

it('A fork without options is rejected, and the error names what is missing.', async () => {
  const run = await troupe.user('ada').orchestra.start({ task: 1, topology: line(pays('A')) })
  await run.result()
  const { orchestra } = troupe.user('ada')
  for (const options of [undefined, {}])
    await expect(orchestra.fork(run.id, options as never)).rejects.toMatchObject({
      code: 'validation.failed',
      message: expect.stringContaining('needs { at }'),
    })
})

it('A fork that would repeat effects of class at-most-once names them, and starts only with `repeat`.', async () => {
  const run = await troupe.user('ada').orchestra.start({ task: 1, topology: line(pays('A'), pays('B')) })
  expect(await run.result()).toMatchObject({ status: 'completed' })
  const at = await seqOf(run, 'step.completed', '1#1')
  await expect(run.fork({ at })).rejects.toMatchObject({
    code: 'effect.repeated',
    message: expect.stringContaining('pay[B-17] (1#2)'),
    details: { effects: [{ run: run.id, step: '1#2', call: '/effect:pay[B-17]#1', key: 'B-17' }] },
  })
  expect(paid).toEqual(['A', 'B'])
  expect(await (await run.fork({ at, repeat: true })).result()).toMatchObject({ status: 'completed' })
  expect(paid).toEqual(['A', 'B', 'B'])
  const last = await seqOf(run, 'step.completed', '1#2')
  expect(await (await run.fork({ at: last })).result()).toMatchObject({ status: 'completed' })
  const replaced = await run.fork({ at, edit: { results: { B: 'given' } } })
  expect(await replaced.result()).toMatchObject({ status: 'completed', response: 'given' })
  expect(paid).toEqual(['A', 'B', 'B'])
})

it('A fork that would repeat effects of child runs names them.', async () => {
  const child = pays('Child')
  const starts = defineAgent({
    name: 'Starts',
    run: async (_, ctx) => finish((await (await ctx.startRun({ task: 1, topology: line(child) })).result()).response),
  })
  const run = await troupe.user('ada').orchestra.start({ task: 1, topology: line(starts as never) })
  expect(await run.result()).toMatchObject({ status: 'completed' })
  await expect(run.fork({ at: 1 })).rejects.toMatchObject({
    code: 'effect.repeated',
    details: { effects: [{ run: expect.stringContaining(`${run.id}.`), name: 'pay[Child-17]' }] },
  })
  expect(paid).toEqual(['Child'])
})

it('A retry repeats no at-most-once effect of the failed step, and does not need `repeat`.', async () => {
  let broken = true
  const agent = pays('A', () => broken)
  const run = await troupe.user('ada').orchestra.start({ task: 1, topology: line(agent) })
  expect(await run.result()).toMatchObject({ status: 'failed' })
  broken = false
  expect(await (await run.retry()).result()).toMatchObject({ status: 'completed' })
  expect(paid).toEqual(['A'])
})

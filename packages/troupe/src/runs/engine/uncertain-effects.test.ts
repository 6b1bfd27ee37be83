import { afterEach, expect, it } from 'vitest'
import { createTroupe, defineAgent, finish, type Run, type Troupe, TroupeError } from '../../index.ts'

const open: Troupe[] = []
afterEach(async () => {
  for (const troupe of open.splice(0)) await troupe.close()
})

const reverted: [string, unknown][] = []
const pay = defineAgent({
  name: 'Payer',
  run: async (_, ctx) =>
    finish(
      await ctx.effect(
        'pay',
        {
          class: 'at-most-once',
          key: 'order-17',
          input: { amount: 250 },
          undo: async (key, output) => void reverted.push([key, output]),
        },
        () => {
          throw new TroupeError('the answer did not come', { code: 'outcome.unknown' })
        },
      ),
    ),
})
const uncertain = {
  step: '1#1',
  call: '/effect:pay[order-17]#1',
  name: 'pay',
  class: 'at-most-once',
  input: { amount: 250 },
  key: 'order-17',
  since: expect.stringMatching(/^\d{4}-.*Z$/),
}

/** A run that was cancelled while the outcome of its effect was unknown. */
async function cancelledRun() {
  reverted.length = 0
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent', agents: [pay] })
  open.push(troupe)
  const { orchestra } = troupe.user('ada')
  const topology = { agents: [pay], flows: ['Start -> Payer', 'Payer -> End'] }
  const run = await orchestra.start({ id: 'r', task: 'go', topology })
  expect(await run.result()).toMatchObject({ status: 'waiting', reason: 'uncertain', uncertain: [uncertain] })
  await run.cancel()
  return { orchestra, run }
}
const why = async (orchestra: ReturnType<Troupe['user']>['orchestra'], run: Run) =>
  (await orchestra.why(run.id)).sentences.filter(({ about }) => about === 'uncertain').map(({ text }) => text)

it('The result of a run that ended with an uncertain effect names it, with its input and its key', async () => {
  const { orchestra, run } = await cancelledRun()
  expect(await run.result()).toMatchObject({ status: 'cancelled', uncertain: [uncertain] })
  expect(await run.uncertain()).toEqual([uncertain])
  expect(await run.calls('1#1')).toMatchObject([{ state: 'uncertain', input: { amount: 250 }, key: 'order-17' }])
  expect(await why(orchestra, run)).toEqual([
    'The effect pay of Payer (1#1) may have happened or not: find out, then call run.resolve().',
  ])
})

it('An effect that is resolved as happened after the end of its run is recorded and can be undone', async () => {
  const { orchestra, run } = await cancelledRun()
  await run.resolve(uncertain, { happened: true, output: { receipt: 7 } })
  expect((await run.result()).uncertain).toBeUndefined()
  expect(await run.calls('1#1')).toMatchObject([{ state: 'done', output: { receipt: 7 } }])
  expect(await why(orchestra, run)).toEqual([
    'The effect pay of Payer (1#1) was uncertain; it is known by now to have happened.',
  ])
  expect(await orchestra.undo(run.id)).toMatchObject([{ step: '1#1', effect: 'pay[order-17]', status: 'undone' }])
  expect(reverted).toEqual([['order-17', { receipt: 7 }]])
  await expect(run.resolve(uncertain, { happened: false })).rejects.toMatchObject({ code: 'effect.resolved' })
})

it('An effect that is resolved as not happened after the end of its run is recorded, and there is nothing to undo', async () => {
  const { orchestra, run } = await cancelledRun()
  await run.resolve(uncertain, { happened: false })
  expect(await run.uncertain()).toEqual([])
  expect(await run.calls('1#1')).toMatchObject([{ state: 'not-happened', key: 'order-17' }])
  expect(await why(orchestra, run)).toEqual([
    'The effect pay of Payer (1#1) was uncertain; it is known by now not to have happened.',
  ])
  expect(await orchestra.undo(run.id)).toEqual([])
})

it('A person who resolves an effect twice at once after the end of its run resolves it once', async () => {
  const { run } = await cancelledRun()
  const resolved = await Promise.allSettled([1, 2].map((n) => run.resolve(uncertain, { happened: true, output: n })))
  expect(resolved.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  expect(await run.calls('1#1')).toHaveLength(1)
})

/** Runs that code of a step cancels or awaits through a handle. A run waits for its steps, so such a call must not wait for it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { defineAgent, finish, type StepContext } from '../../index.ts'
import { solo, troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'

const { ada } = troupesOfTests()
/** Less than the time in which a cancelled step may end. */
const maxMs = 5_000

it.each([
  ['in its step', (_: StepContext, cancel: () => Promise<void>) => cancel()],
  [
    'in an effect of its step',
    (ctx: StepContext, cancel: () => Promise<void>) =>
      ctx.effect('cancel', { class: 'at-most-once' }, async () => void (await cancel())),
  ],
])('A run that is cancelled %s ends without the grace of the step.', async (_, act) => {
  const { orchestra } = await ada()
  const quits = defineAgent({
    name: 'Quits',
    run: async (_, ctx) => {
      const own = await orchestra.get(ctx.runId ?? '')
      await act(ctx, () => own.cancel())
      return finish('too late')
    },
  })
  const startedAt = performance.now()
  expect(await orchestra.run({ task: 't', topology: solo(quits) })).toMatchObject({ status: 'cancelled' })
  expect(performance.now() - startedAt).toBeLessThan(maxMs)
})

it('A run that a step of its child run cancels ends without the grace of the steps.', async () => {
  const { orchestra } = await ada()
  const quits = defineAgent({
    name: 'Quits',
    run: async (parent: string) => finish(await (await orchestra.get(parent)).cancel()),
  })
  const starts = defineAgent({
    name: 'Starts',
    run: async (_, ctx) =>
      (await (await ctx.startRun({ task: ctx.runId ?? '', topology: solo(quits) })).result()).status,
  })
  const startedAt = performance.now()
  expect(await orchestra.run({ task: 't', topology: solo(starts) })).toMatchObject({ status: 'cancelled' })
  expect(performance.now() - startedAt).toBeLessThan(maxMs)
})

it('A step that waits for the result of its own run is rejected, and gets that of another run.', async () => {
  const { orchestra } = await ada()
  const other = await orchestra.start({ task: 'other', topology: solo(defineAgent({ name: 'Other', run: (x) => x })) })
  const waits = defineAgent({
    name: 'Waits',
    run: async (_, ctx) => {
      const own = await orchestra.get(ctx.runId ?? '')
      const codeOf = async (wait: Promise<unknown>) =>
        (await wait.catch((error: unknown) => error)) as { code?: string }
      const inEffect = ctx.effect('wait', { class: 'read' }, async () => (await codeOf(own.output())).code ?? null)
      const codes = [(await codeOf(own.result())).code ?? null, await inEffect]
      return [...codes, (await (await orchestra.get(other.id)).result()).status]
    },
  })
  const { response } = await orchestra.run({ task: 't', topology: solo(waits) })
  expect(response).toEqual(['run.awaits_itself', 'run.awaits_itself', 'completed'])
})

it('A step that cancels another run waits for the end of that run.', async () => {
  const { orchestra } = await ada()
  const cleansUp = defineAgent({
    name: 'CleansUp',
    run: (_, ctx) =>
      new Promise<never>((_, reject) =>
        ctx.signal.addEventListener('abort', async () => {
          await sleep(100)
          reject(ctx.signal.reason)
        }),
      ),
  })
  const other = await orchestra.start({ task: 't', topology: solo(cleansUp) })
  const cancels = defineAgent({
    name: 'Cancels',
    run: async () => {
      await other.cancel()
      return finish((await other.status()).status)
    },
  })
  expect(await orchestra.run({ task: 't', topology: solo(cancels) })).toMatchObject({ response: 'cancelled' })
})

import { setImmediate as nextTick } from 'node:timers/promises'
import { expect, it, vi } from 'vitest'
import { defineAgent, finish, type User } from '../../../index.ts'
import { solo, troupesOfTests } from '../../../startup/troupe-testbed.test.fixture.ts'

const { opened, ada } = troupesOfTests()
const untilAborted = (signal: AbortSignal, stopped = () => {}) =>
  new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => {
      stopped()
      reject(signal.reason)
    }),
  )
const statusesOf = async ({ orchestra }: User) =>
  (await orchestra.list()).items.map(({ status }) => status).toSorted((a, b) => a.localeCompare(b))

it('a run whose parent is cancelled while it begins is cancelled, though no list of the troupe names its agents', async () => {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  const user = (await opened({ log: { level: 'warn', format: 'json', destination } })).user('ada')
  const slow = defineAgent({ name: 'Slow', run: (_, ctx) => untilAborted(ctx.signal) })
  // At each moment of the change that makes the child durable.
  for (let ticks = 0; ticks < 30; ticks++) {
    const begins = Promise.withResolvers<void>()
    const starts = defineAgent({
      name: 'Starts',
      run: async (_, ctx) => {
        const child = ctx.startRun({ task: 's', topology: solo(slow) })
        begins.resolve()
        return (await (await child).result()).status
      },
    })
    const run = await user.orchestra.start({ task: 't', topology: solo(starts) })
    await begins.promise
    for (let i = 0; i < ticks; i++) await nextTick()
    await run.cancel()
    await run.result()
  }
  expect(new Set(await statusesOf(user))).toEqual(new Set(['cancelled']))
  expect(lines).toEqual([])
})

it('a run is cancelled and awaited when the step that started it fails', async () => {
  const user = await ada()
  const order: string[] = []
  const works = Promise.withResolvers<void>()
  const slow = defineAgent({
    name: 'Slow',
    run: (_, ctx) => {
      works.resolve()
      return untilAborted(ctx.signal, () => order.push('stopped'))
    },
  })
  const starts = defineAgent({
    name: 'Starts',
    run: async (_, ctx) => {
      await ctx.startRun({ task: 's', topology: solo(slow) })
      await ctx.effect('see it work', { class: 'read' }, () => works.promise)
      throw new Error('no luck')
    },
  })
  const result = await user.orchestra.run({ task: 't', topology: solo(starts) })
  order.push('ended')
  expect(result.error?.message).toBe('no luck')
  expect(await statusesOf(user)).toEqual(['cancelled', 'failed'])
  expect(order).toEqual(['stopped', 'ended'])
})

it('a run that the step that started it does not wait for is cancelled when its parent is', async () => {
  const user = await ada()
  const asks = defineAgent({ name: 'Asks', run: async (_, ctx) => finish(await ctx.ask({ text: 'Which?' })) })
  const starts = defineAgent({
    name: 'Starts',
    run: async (_, ctx) => (await ctx.startRun({ task: 's', topology: solo(asks, 'Asks -> User', 'User -> Asks') })).id,
  })
  const next = defineAgent({ name: 'Next', run: async (_, ctx) => ctx.ask({ text: 'Go on?' }) })
  const flows = ['Start -> Starts', 'Starts -> Next', 'Next -> End']
  const run = await user.orchestra.start({ task: 't', topology: { agents: [starts, next], flows } })
  expect((await run.result()).status).toBe('waiting')
  await run.cancel()
  await vi.waitFor(async () => expect(await statusesOf(user)).toEqual(['cancelled', 'cancelled']))
})

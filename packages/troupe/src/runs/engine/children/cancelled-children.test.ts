import { setImmediate as nextTick, setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { failure } from '../../../core/index.ts'
import { defineAgent, finish, type User } from '../../../index.ts'
import { partsOf } from '../../../startup/troupe.ts'
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

it('A child run whose parent is cancelled while the child starts is cancelled, even if the troupe does not register its agents.', async () => {
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

it('A step that fails cancels the child run that it started, and awaits its end.', async () => {
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

it('A parent run that is cancelled cancels a child run that no step waits for.', async () => {
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
  expect(await statusesOf(user)).toEqual(['cancelled', 'cancelled'])
})

it.each([
  ['fails', 'failed'],
  ['is cancelled', 'cancelled'],
])(
  'A child run whose step has completed is cancelled, and its clean-up awaited, when its parent %s.',
  async (_, status) => {
    const user = await ada()
    const order: string[] = []
    const works = Promise.withResolvers<void>()
    const slow = defineAgent({
      name: 'Slow',
      run: (_, ctx) =>
        new Promise<never>((_, reject) => {
          works.resolve()
          ctx.signal.addEventListener('abort', async () => {
            await sleep(200)
            order.push('stopped')
            reject(ctx.signal.reason)
          })
        }),
    })
    const starts = defineAgent({
      name: 'Starts',
      run: async (_, ctx) => (await ctx.startRun({ task: 's', topology: solo(slow) })).id,
    })
    const next = defineAgent({
      name: 'Next',
      run: async (_, ctx) => {
        await works.promise
        if (status === 'failed') throw new Error('no luck')
        return untilAborted(ctx.signal)
      },
    })
    const flows = ['Start -> Starts', 'Starts -> Next', 'Next -> End']
    const run = await user.orchestra.start({ task: 't', topology: { agents: [starts, next], flows } })
    await works.promise
    if (status === 'cancelled') await run.cancel()
    const result = await run.result()
    order.push('ended')
    expect([result.status, order]).toEqual([status, ['stopped', 'ended']])
    expect((await statusesOf(user)).filter((each) => each === 'running')).toEqual([])
    expect(await user.orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
  },
)

it('A run that fails does not wait longer than twice its grace for a child run that does not stop.', async () => {
  const user = await ada()
  const works = Promise.withResolvers<void>()
  const stops = Promise.withResolvers<string>()
  const stubborn = defineAgent({
    name: 'Stubborn',
    run: () => {
      works.resolve()
      return stops.promise
    },
  })
  const starts = defineAgent({
    name: 'Starts',
    run: async (_, ctx) => {
      const config = { timeouts: { grace: '1h' } } as const
      return (await ctx.startRun({ task: 's', topology: solo(stubborn), config })).id
    },
  })
  const next = defineAgent({
    name: 'Next',
    run: async () => {
      await works.promise
      throw new Error('no luck')
    },
  })
  const flows = ['Start -> Starts', 'Starts -> Next', 'Next -> End']
  const config = { timeouts: { grace: '100ms' } } as const
  const result = await user.orchestra.run({ task: 't', topology: { agents: [starts, next], flows }, config })
  expect(result).toMatchObject({ status: 'failed', error: { message: 'no luck' } })
  stops.resolve('at last')
})

it('A run whose child runs cannot be read when it is cancelled cancels them as soon as the storage answers.', async () => {
  const troupe = await opened()
  const user = troupe.user('ada')
  const asks = defineAgent({ name: 'Asks', run: async (_, ctx) => finish(await ctx.ask({ text: 'Which?' })) })
  const starts = defineAgent({
    name: 'Starts',
    run: async (_, ctx) =>
      (await (await ctx.startRun({ task: 's', topology: solo(asks, 'Asks -> User', 'User -> Asks') })).result()).status,
  })
  const run = await user.orchestra.start({ task: 't', topology: solo(starts) })
  await run.result()
  const { store } = troupe[partsOf].runs.orchestra.parts.stores
  const { children } = store
  let failures = 0
  Object.assign(store, {
    // The notification of the child runs is the first read, the cancellations of the step and of the run are the next.
    children: (...of: Parameters<typeof children>) => {
      if (++failures > 1 && failures < 5) return Promise.reject(failure('storage.io', { problem: 'unplugged' }))
      return children(...of)
    },
  })
  await run.cancel()
  expect(failures).toBeGreaterThan(4)
  expect(await statusesOf(user)).toEqual(['cancelled', 'cancelled'])
})

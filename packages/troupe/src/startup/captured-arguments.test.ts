import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createTroupe, defineAgent, defineKey, defineMessage, type Troupe } from '../index.ts'

const open: Troupe[] = []
const opened = async () => {
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  open.push(troupe)
  return troupe
}
afterEach(async () => {
  for (const troupe of open.splice(0)) await troupe.close()
})

/** A schema that takes its time, as one that asks a service does. */
const slowly = z.object({ paid: z.boolean(), items: z.array(z.string()) }).refine(async () => {
  await new Promise((resolve) => setImmediate(resolve))
  return true
})
/** What hands back the object that it was given, unlike zod's objects. */
const same = z.custom<{ paid: boolean; items: string[] }>((value) =>
  Array.isArray((value as { readonly items?: unknown }).items),
)
const before = () => ({ paid: false, items: ['lamp'] })
const change = (value: { paid: unknown; items: unknown[] }) => {
  value.paid = Number.NaN
  value.items.push('chair')
}

describe('captured arguments', () => {
  it.each([
    ['without a schema', 'k'],
    ['with a schema that waits', defineKey('k', slowly)()],
    ['with a schema that gives back what it took', defineKey('k', same)()],
  ] as const)('A pushed value is stored as it was at the call, %s.', async (_, key) => {
    const { context } = (await opened()).user('ada')
    const write = async (call: (value: ReturnType<typeof before>) => Promise<unknown>) => {
      const value = before()
      const done = call(value)
      change(value)
      await done
      expect(await context.get('k')).toEqual(before())
    }
    await write((value) => context.push(key, value as never))
    await write((value) => context.batch([{ type: 'push', key, value }], { atomic: true }))
    await write((value) =>
      context.batch([
        { type: 'get', key },
        { type: 'push', key, value },
      ]),
    )
    const value = before()
    const updated = context.update(key, () => {
      setImmediate(() => change(value))
      return value as never
    })
    await updated
    expect(await context.get('k')).toEqual(before())
  })

  it.each([
    ['texts', true, () => ['x'.repeat(1_000_000)]],
    ['numbers', false, () => Array(500_000).fill(1)],
  ])(
    'A batch of %s of more than 8 MiB together is rejected before more of it is captured, with atomic: %s.',
    async (_, atomic, megabyte) => {
      const { context } = (await opened()).user('ada')
      let reads = 0
      const push = (i: number) => ({
        type: 'push' as const,
        key: `k.${i}`,
        get value() {
          reads++
          return megabyte()
        },
      })
      const ofLength = (length: number) =>
        context.batch(
          Array.from({ length }, (_, i) => push(i)),
          { atomic },
        )
      expect((await ofLength(8)).every(({ success }) => success)).toBe(true)
      reads = 0
      await expect(ofLength(100)).rejects.toMatchObject({ code: 'value.too_large' })
      expect(reads).toBeLessThan(10)
      expect((await context.keys()).items).toHaveLength(8)
    },
  )

  it('A value or a message of more than 8 MiB is rejected before its schema reads it.', async () => {
    const ada = (await opened()).user('ada')
    let reads = 0
    const shortened = z.array(z.number()).transform((list) => {
      reads++
      return list.length
    })
    const long = Array(5_000_000).fill(1) as never
    const key = defineKey('k', shortened)()
    await expect(ada.context.push(key, long)).rejects.toMatchObject({ code: 'value.too_large' })
    await expect(ada.context.update(key, () => long)).rejects.toMatchObject({ code: 'value.too_large' })
    const sent = ada.agent('A').messages.send(defineMessage('list', shortened), long, { to: 'B' })
    await expect(sent).rejects.toMatchObject({ code: 'message.too_large' })
    expect(reads).toBe(0)
  })

  it('The options of a push apply as they were at the call.', async () => {
    const ada = (await opened()).user('ada')
    const options = { subscribers: ['A'], metadata: { from: 'shop' }, ttl: '1h' as string }
    const key = defineKey('k', slowly)()
    const pushed = ada.context.push(key, before(), options as never)
    options.subscribers.push('B')
    options.metadata.from = 'thief'
    options.ttl = '5s'
    await pushed
    const entry = await ada.context.getEntry('k')
    expect(entry).toMatchObject({ audience: { subscribers: ['A'] }, metadata: { from: 'shop' } })
    expect(Date.parse(entry?.expiresAt ?? '') - Date.parse(entry?.createdAt ?? '')).toBe(3_600_000)
  })

  it('A getter in a pushed value is read once.', async () => {
    const { context } = (await opened()).user('ada')
    let reads = 0
    const value = Object.defineProperty({ items: ['lamp'] }, 'paid', { get: () => reads++ > 0, enumerable: true })
    await context.push(defineKey('k', slowly)(), value as never)
    expect(await context.get('k')).toEqual(before())
  })

  it.each([
    ['without a schema', defineMessage('order')],
    ['with a schema that waits', defineMessage('order', slowly)],
    ['with a schema that gives back what it took', defineMessage('order', same)],
  ] as const)('A sent message is stored as it was at the call, %s.', async (_, Order) => {
    const ada = (await opened()).user('ada')
    const { messages } = ada.agent('Shop')
    const stock = ada.agent('Stock')
    await stock.context.subscribe(['orders'])
    const send = async (call: (value: never, to: string[]) => Promise<unknown>) => {
      const [value, to] = [before(), ['Stock']]
      const done = call(value as never, to)
      change(value)
      to.push('Other')
      const [delivery] = await stock.mailbox.receive({ wait: '1s' })
      expect(delivery?.message.payload).toEqual(before())
      await delivery?.ack()
      await done
    }
    await send((value) => messages.send(Order as never, value, { to: 'Stock' }))
    await send((value, to) => messages.broadcast(Order as never, value, { to }))
    await send((value) => messages.publish(Order as never, value, { topic: 'orders' }))
    await send((value) => messages.request(Order as never, value, { to: 'Stock', timeout: '300ms' }).catch(() => {}))
    expect((await ada.agent('Other').mailbox.messages()).items).toEqual([])
  })

  it('The staged values of a step are stored as they were at the call.', async () => {
    const ada = (await opened()).user('ada')
    const Order = defineMessage('order', slowly)
    const [key, received] = [defineKey('k', slowly)(), ada.agent('Stock').mailbox]
    const Shop = defineAgent({
      name: 'Shop',
      run: async (_, { context, messages }) => {
        const values = [before(), before(), before()] as const
        const calls = [
          context.push(key, values[0], { audience: 'everyone' }),
          messages.send(Order, values[1], { to: 'Stock' }),
          messages.broadcast(Order, values[2], { to: ['Stock'] }),
        ]
        for (const value of values) change(value)
        await Promise.all(calls)
        return 'done'
      },
    })
    expect((await ada.orchestra.run({ agent: Shop, task: 'x' })).status).toBe('completed')
    expect(await ada.context.get('k')).toEqual(before())
    expect((await received.messages()).items.map(({ payload }) => payload)).toEqual([before(), before()])
  })

  it('The values of a task, a schedule, an answer and a memory are stored as they were at the call.', async () => {
    const ada = (await opened()).user('ada')
    const Echo = defineAgent({ name: 'Echo', run: (input) => input as never })
    const [task, tags, content, question] = [before(), ['a'], before(), before()]
    const running = ada.orchestra.run({ agent: Echo, task, tags })
    const remembered = ada.memory('Echo').episodic.add(content)
    const answered = ada.session(Echo).generate(question)
    for (const value of [task, content, question]) change(value)
    tags.push('b')
    expect((await running).response).toEqual(before())
    expect((await ada.orchestra.list()).items[0]?.tags).toEqual(['a'])
    await remembered
    expect((await ada.memory('Echo').episodic.items())[0]?.content).toEqual(before())
    expect((await answered).response).toEqual(before())
  })
})

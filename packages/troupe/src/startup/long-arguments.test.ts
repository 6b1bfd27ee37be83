/** Values of many kilobytes: read at the call, written and read as text between other work, in the order of the calls. */
import { describe, expect, it } from 'vitest'
import { countMacrotasks } from '../core/time/count-macrotasks.test.fixture.ts'
import { type ContextClient, createTroupe, defineAgent, defineMessage, finish, type Json, patterns } from '../index.ts'

const long = (length = 8_000): { id: number; name: string }[] =>
  Array.from({ length }, (_, id) => ({ id, name: `row ${id} of a table` }))

const opened = () => createTroupe({ storage: 'memory:', log: 'silent' })

describe('long arguments', () => {
  it('A long value is stored as it was at the call.', async () => {
    await using troupe = await opened()
    const { context } = troupe.user('ada')
    const Note = defineMessage('note')
    const write = async (call: (value: Json) => Promise<unknown>) => {
      const value = long()
      const done = call(value as Json)
      for (const row of value) row.id = Number.NaN
      await done
    }
    await write((value) => context.push('pushed', value))
    await write((value) => context.batch([{ type: 'push', key: 'in a batch', value }], { atomic: true }))
    await write((value) => context.batch([{ type: 'push', key: 'in a series', value }]))
    await write((value) => troupe.user('ada').agent('A').messages.send(Note, value, { to: 'B' }))
    for (const key of ['pushed', 'in a batch', 'in a series']) expect(await context.get(key)).toEqual(long())
    const [delivery] = await troupe.user('ada').agent('B').mailbox.receive({ wait: '1s' })
    expect(delivery?.message.payload).toEqual(long())
  })

  it('Pushes and deletes that are not awaited take effect in the order of the calls.', async () => {
    await using troupe = await opened()
    const { context } = troupe.user('ada')
    const write = async (client: ContextClient) => {
      const all = [
        client.push('k', long()),
        client.push('k', 'short'),
        client.push('gone', long()),
        client.delete('gone'),
      ]
      await Promise.all(all)
      return [(await client.get('k')) ?? null, (await client.get('gone')) ?? null]
    }
    expect(await write(context)).toEqual(['short', null])
    const agent = defineAgent({ name: 'Writer', run: async (_, ctx) => finish(await write(ctx.context)) })
    const topology = patterns.pipeline({ stages: [{ agents: [agent] }] })
    expect((await troupe.user('bob').orchestra.run({ task: 't', topology })).response).toEqual(['short', null])
  })

  it('A long value that cannot be stored is rejected with its place, and later writes are made.', async () => {
    await using troupe = await opened()
    const { context } = troupe.user('ada')
    const wrong = [...long(), { id: 1n }] as unknown as Json
    const rejected = expect(context.push('k', wrong)).rejects.toThrow('[8000].id')
    await context.push('k', 'short')
    await rejected
    expect(await context.get('k')).toBe('short')
  })

  it('A value that a batch names a thousand times is copied once.', async () => {
    await using troupe = await opened()
    const { context } = troupe.user('ada')
    let reads = 0
    const value = Object.defineProperty({ rows: [] as Json }, 'rows', { enumerable: true, get: () => ++reads })
    const operations = Array.from({ length: 1_000 }, (_, i) => ({ type: 'push', key: `k.${i}`, value }) as const)
    await context.batch(operations, { atomic: true })
    expect(reads).toBe(1)
    expect(await context.get('k.999')).toEqual({ rows: 1 })
  })

  it('Other work runs while many long values are read.', async () => {
    await using troupe = await opened()
    const { context } = troupe.user('ada')
    const keys = Array.from({ length: 100 }, (_, i) => `k.${i}`)
    for (const key of keys) await context.push(key, long())
    for (let i = 0; i < 50; i++) await context.push('versions', long())
    // A comparison of the rows themselves takes longer than all else here.
    const text = JSON.stringify(long())
    const isComplete = (value: unknown) => JSON.stringify(value) === text
    const listed = await countMacrotasks(() => context.list({ prefix: 'k.' }))
    expect(listed.result.items.map(({ value }) => isComplete(value))).toEqual(keys.map(() => true))
    const byKeys = await countMacrotasks(() => context.getMany(keys))
    expect(byKeys.result.size).toBe(100)
    const single = await countMacrotasks(() => Promise.all(keys.map((key) => context.get(key))))
    expect(single.result.map(isComplete)).toEqual(keys.map(() => true))
    const versions = await countMacrotasks(() => context.history('versions'))
    expect(versions.result.items).toHaveLength(50)
    // A macrotask reads for 10 ms, and a value takes more than 0.2 ms.
    for (const { macrotasks } of [listed, byKeys, single, versions]) expect(macrotasks).toBeGreaterThan(2)
  })
})

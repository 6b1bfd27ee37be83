/** Durable memories and statistics of tools, on a server: the same rows, the same order, each user alone. */
import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createTroupe, defineTool, LlmAgent } from '../../src/index.ts'
import { MockModel } from '../../src/testing/index.ts'
import { dropSchema, missingServer, schemaName, server } from './postgres-server.ts'

const missing = await missingServer()
const schema = schemaName('memories')
afterAll(async () => {
  if (!missing) await dropSchema(schema)
})

describe.skipIf(missing !== undefined)('memories on PostgreSQL', () => {
  test('The memories on PostgreSQL preserve order, versions and bounds, and tools their statistics.', async () => {
    await using troupe = await createTroupe({ storage: { url: server, schema }, log: 'silent' })
    const { episodic, working } = troupe.user('ada').memory('Clerk', { maxEpisodes: 2, capacity: 2 })
    await episodic.add('first', { key: 'k' })
    await episodic.add('second', { key: 'k' })
    await Promise.all([episodic.add('bicycle'), episodic.add('bread')])
    expect(await episodic.size()).toBe(2)
    expect(await episodic.retrieveSimilar('a bicycle')).toMatchObject([{ content: 'bicycle', version: 1 }])
    const inMind = working('t')
    await inMind.add('low', { priority: -0.5 })
    await inMind.add('high', { priority: 0.5 })
    await inMind.add('middle')
    expect((await inMind.items()).map(({ content }) => content)).toEqual(['high', 'middle'])
    expect(await troupe.user('bob').memory('Clerk').episodic.size()).toBe(0)
    const tool = (name: string) =>
      defineTool({ name, description: name, inputSchema: z.object({}), effect: 'read', execute: () => 1 })
    const offered = async () => {
      const model = new MockModel({ responses: [{ toolCalls: [{ name: 'b' }] }, 'done'] })
      const toolSelection = { by: 'performance', limit: 2 } as const
      const agent = new LlmAgent({ name: 'Clerk', model, tools: [tool('b'), tool('c'), tool('d')], toolSelection })
      const session = troupe.user('ada').session(agent, { threadId: 'one' })
      await session.chat('go')
      await session.forget()
      return model.calls[0]?.tools?.map(({ name }) => name)
    }
    expect([await offered(), await offered()]).toEqual([
      ['b', 'c'],
      ['d', 'b'],
    ])
    expect(await episodic.forget(() => true)).toBe(2)
  })
})

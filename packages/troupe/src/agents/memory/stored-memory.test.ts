import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EmbeddingModelV4 } from '@ai-sdk/provider'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { TroupeConfig } from '../../configuration/troupe-config.ts'
import { createTroupe } from '../../startup/create-troupe.ts'
import { LlmAgent } from '../../startup/llm-agent.ts'
import { type MockItem, MockModel } from '../../testing/index.ts'
import { defineTool } from '../../tools/index.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})
function file(): string {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-memory-'))
  folders.push(folder)
  return `sqlite:${join(folder, 'troupe.db')}`
}
async function open<Out>(
  storage: string,
  run: (troupe: Awaited<ReturnType<typeof createTroupe>>) => Promise<Out>,
  more: Partial<TroupeConfig> = {},
): Promise<Out> {
  await using troupe = await createTroupe({ storage, log: 'silent', ...more })
  return await run(troupe)
}
/** A model that sees bikes and bread, in so many dimensions. */
function embedding(modelId: string, dimensions = 2) {
  const asked: string[] = []
  const vectorOf = (text: string) => {
    const vector = Array.from({ length: dimensions }, () => 0.01)
    vector[/bike|bicycle|chain/.test(text) ? 0 : 1] = 1
    return vector
  }
  const model: EmbeddingModelV4 = {
    specificationVersion: 'v4',
    provider: 'mock',
    modelId,
    maxEmbeddingsPerCall: 100,
    supportsParallelCalls: false,
    doEmbed: async ({ values }) => {
      asked.push(...values)
      return { embeddings: values.map(vectorOf), warnings: [] }
    },
  }
  return { model, asked }
}
const mockAgent = (responses: readonly MockItem[], options: object) => {
  const model = new MockModel({ responses })
  return { model, agent: new LlmAgent({ name: 'Clerk', model, instructions: 'Help.', ...options }) }
}
const systemOf = (model: MockModel, call: number) => {
  const [first] = model.calls[call]?.prompt ?? []
  return first?.role === 'system' ? first.content : ''
}

describe('durable memories', () => {
  it('A durable memory belongs to one user and agent, survives a restart, and records version, author, time and history.', async () => {
    const storage = file()
    await open(storage, async (troupe) => {
      const { episodic } = troupe.user('ada').memory('Clerk', { maxEpisodes: 3 })
      await episodic.add('paid order 1', { key: 'order-1' })
      await episodic.add('refunded order 1', { key: 'order-1' })
      for (let i = 2; i < 5; i++) await episodic.add(`shipped order ${i}`)
    })
    await open(storage, async (troupe) => {
      const { episodic } = troupe.user('ada').memory('Clerk')
      expect((await episodic.items()).map(({ content }) => content)).toEqual([
        'shipped order 4',
        'shipped order 3',
        'shipped order 2',
      ])
      expect(await episodic.history('order-1')).toEqual([])
      await episodic.add('a', { key: 'k' })
      await episodic.add('b', { key: 'k' })
      expect((await episodic.items())[0]).toMatchObject({
        id: 'k',
        content: 'b',
        version: 2,
        agent: 'Clerk',
        provenance: { agent: 'host' },
        taint: [],
      })
      expect(await episodic.history('k')).toMatchObject([{ content: 'a', version: 1 }])
      expect(await troupe.user('ada').memory('Other').episodic.size()).toBe(0)
      expect(await troupe.user('bob').memory('Clerk').episodic.size()).toBe(0)
      await expect(episodic.add('x', { key: 5 } as never)).rejects.toMatchObject({ code: 'validation.failed' })
      const later = async () => false
      await expect(episodic.forget(later as never)).rejects.toMatchObject({ code: 'validation.failed' })
      expect(await episodic.forget(({ content }) => content === 'b')).toBe(1)
      expect([await episodic.history('k'), await episodic.size()]).toEqual([[], 3])
    })
  })

  it('A durable working memory retains the seven most important items of a thread.', async () => {
    await open('memory:', async (troupe) => {
      const memory = troupe.user('ada').memory('Clerk')
      const working = memory.working('t')
      await working.add('urgent', { priority: 9 })
      for (let i = 0; i < 8; i++) await working.add(`thing ${i}`)
      expect((await working.items()).map(({ content }) => content)).toEqual([
        'urgent',
        ...[7, 6, 5, 4, 3, 2].map((i) => `thing ${i}`),
      ])
      expect(await memory.working('other').size()).toBe(0)
    })
  })

  it('A durable memory without an embedding model finds items by words, and says so.', async () => {
    await open('memory:', async (troupe) => {
      const { episodic } = troupe.user('ada').memory('Clerk')
      for (const text of ['mended a bike', 'baked bread', 'baked bread again']) await episodic.add(text)
      expect(episodic.similarity).toBe('lexical')
      const found = await episodic.retrieveSimilar('how is bread baked?', { limit: 2 })
      expect(found).toMatchObject([{ similarity: 'lexical' }, { similarity: 'lexical' }])
      expect(found.every(({ content }) => String(content).includes('bread'))).toBe(true)
    })
  })

  it('A durable memory stores vectors with their model, and recomputes them for another model.', async () => {
    const storage = file()
    const ask = (model: EmbeddingModelV4) =>
      open(
        storage,
        async (troupe) => {
          const { episodic } = troupe.user('ada').memory('Clerk')
          if ((await episodic.size()) === 0)
            for (const text of ['oiled a chain', 'baked bread']) await episodic.add(text)
          return episodic.retrieveSimilar('my bicycle squeaks', { limit: 1 })
        },
        { models: { embedding: model } },
      )
    const one = embedding('one')
    expect(await ask(one.model)).toMatchObject([
      { content: 'oiled a chain', similarity: 'embedding', model: 'mock/one' },
    ])
    expect(one.asked).toHaveLength(3)
    const repeated = embedding('one')
    await ask(repeated.model)
    expect(repeated.asked).toEqual(['my bicycle squeaks'])
    const two = embedding('two', 3)
    expect(await ask(two.model)).toMatchObject([{ content: 'oiled a chain', model: 'mock/two' }])
    expect(two.asked).toHaveLength(3)
    const grown = embedding('two', 4)
    expect(await ask(grown.model)).toMatchObject([{ content: 'oiled a chain', model: 'mock/two' }])
    expect(grown.asked).toHaveLength(3)
  })
})

describe('the memory of an LlmAgent', () => {
  it('The working memory of an LlmAgent is in its prompts, and its tool adds to it, in that thread alone.', async () => {
    await open('memory:', async (troupe) => {
      const { model, agent } = mockAgent(
        [{ toolCalls: [{ name: 'remember', args: { text: 'Ada is vegan', priority: 5 } }] }, 'noted', 'yes', 'no'],
        { memory: { working: { capacity: 2 } } },
      )
      const ada = troupe.user('ada')
      await ada.session(agent, { threadId: 't' }).chat('I am vegan.')
      await ada.session(agent, { threadId: 't' }).chat('What may I eat?')
      await ada.session(agent, { threadId: 'other' }).chat('And I?')
      expect(systemOf(model, 0)).toBe('Help.')
      expect(systemOf(model, 2)).toMatch(/notes from memory.*never instructions[\s\S]*In mind[\s\S]*- Ada is vegan/)
      expect(systemOf(model, 3)).toBe('Help.')
      const [item] = await ada.memory('Clerk').working('t').items()
      expect(item).toMatchObject({
        content: 'Ada is vegan',
        priority: 5,
        provenance: { agent: 'Clerk', stepId: expect.stringMatching(/session/) as string },
      })
    })
  })

  it('The episodic memory of an LlmAgent stores tasks with their taint, and shows similar ones in other threads.', async () => {
    await open('memory:', async (troupe) => {
      const page = defineTool({
        name: 'page',
        description: 'Reads a page.',
        inputSchema: z.object({}),
        effect: 'read',
        untrusted: 'web',
        execute: () => 'Use oil.',
      })
      const { model, agent } = mockAgent(
        [{ toolCalls: [{ name: 'page' }] }, 'Oil the chain.', 'Knead it.', 'Oil it.'],
        {
          memory: { episodic: { limit: 1 } },
          tools: [page],
        },
      )
      const ada = troupe.user('ada')
      await ada.session(agent).chat('How do I mend a squeaking bicycle?')
      await ada.session(agent).chat('How is bread baked?')
      await ada.session(agent).chat('My bicycle is squeaking, what now?')
      const notes = systemOf(model, 3)
      expect(notes).toMatch(/Earlier work like this \(likeness: lexical\)[\s\S]*Oil the chain/)
      expect(notes).not.toMatch(/Knead/)
      const { episodic } = ada.memory('Clerk')
      const items = await episodic.items()
      expect(items.map(({ taint }) => taint)).toEqual([['sensitive:private', 'untrusted:web'], [], ['untrusted:web']])
      await troupe
        .user('bob')
        .session(agent.with({ model: new MockModel({ responses: ['?'] }) }))
        .chat('My bicycle?')
      expect(await troupe.user('bob').memory('Clerk').episodic.size()).toBe(1)
    })
  })

  it('The retrieval of an LlmAgent shows earlier messages like the question that a long conversation omits.', async () => {
    await open('memory:', async (troupe) => {
      const answers = ['It is Bella.', ...Array.from({ length: 6 }, (_, i) => `${'talk '.repeat(60)}${i}`), 'Bella.']
      const { model, agent } = mockAgent(answers, { memory: { maxTokens: 200, retrieval: { limit: 2 } } })
      const session = troupe.user('ada').session(agent)
      await session.chat('The name of my cat is Bella.')
      for (let i = 0; i < 6; i++) await session.chat(`Number ${i}.`)
      await session.chat('What is the name of my cat?')
      expect(systemOf(model, 7)).toMatch(/message 1, user: The name of my cat is Bella\./)
      expect(systemOf(model, 7)).toMatch(/earlier messages of this conversation are stored/)
      expect(systemOf(model, 1)).toBe('Help.')
    })
  })

  it('The shared memory of an LlmAgent shows context entries that it may read, and adds entries for other agents.', async () => {
    await open('memory:', async (troupe) => {
      const ada = troupe.user('ada')
      await ada.agent('Boss').context.push('team.goal', 'Ship on Friday')
      await ada.agent('Boss').context.push('team.secret', 'Not for Clerk', { audience: 'owner' })
      const { model, agent } = mockAgent(
        [{ toolCalls: [{ name: 'remember', args: { text: 'Stock is low' } }] }, 'ok'],
        {
          memory: { shared: 'team.' },
        },
      )
      await ada.session(agent).chat('go')
      expect(systemOf(model, 0)).toMatch(/team\.goal: Ship on Friday/)
      expect(systemOf(model, 0)).not.toMatch(/Not for Clerk/)
      const { items } = await ada.agent('Boss').context.list({ prefix: 'team.' })
      expect(items.map(({ value }) => value)).toContain('Stock is low')
    })
  })

  it('session.forget removes the messages, the working memory and the episodes of its thread.', async () => {
    await open('memory:', async (troupe) => {
      const { model, agent } = mockAgent(
        [{ toolCalls: [{ name: 'remember', args: { text: 'PIN 1234' } }] }, 'noted', 'other', 'who?'],
        { memory: { working: true, episodic: true } },
      )
      const ada = troupe.user('ada')
      const session = ada.session(agent, { threadId: 't' })
      await session.chat('My PIN is 1234.')
      await ada.session(agent, { threadId: 'kept' }).chat('Hello.')
      await session.forget()
      const memory = ada.memory('Clerk')
      expect([await memory.working('t').size(), await memory.episodic.size()]).toEqual([0, 1])
      await session.chat('What is my PIN?')
      expect(JSON.stringify(model.calls.at(-1)?.prompt)).not.toMatch(/1234/)
    })
  })

  it('The tool `remember` is not offered to an agent that is denied it or has its own tool of that name.', async () => {
    await open('memory:', async (troupe) => {
      const own = defineTool({ name: 'remember', description: 'Mine.', inputSchema: z.object({}), execute: () => 1 })
      for (const more of [{ deny: ['remember'] }, { tools: [own] }]) {
        const { model, agent } = mockAgent(['ok'], { memory: { working: true }, ...more })
        await troupe.user('ada').session(agent).chat('go')
        const descriptions = (model.calls[0]?.tools ?? []).map((tool) =>
          'description' in tool ? tool.description : '',
        )
        expect(descriptions).toEqual('tools' in more ? ['Mine.'] : [])
      }
    })
  })

  it('The memory options of an LlmAgent are rejected if they are unknown or invalid.', () => {
    const wrong = (memory: object) => () => new LlmAgent({ name: 'A', memory })
    expect(wrong({ workin: true })).toThrow(/workin/)
    expect(wrong({ working: { capacity: 0 } })).toThrow(/capacity/)
    expect(wrong({ episodic: { max: 5 } })).toThrow(/max/)
    expect(wrong({ retrieval: true })).toThrow(/maxTokens/)
    expect(wrong({ shared: '' })).toThrow(/shared/)
    expect(wrong({ working: false })).toThrow(/working/)
  })
})

describe('tools chosen by performance', () => {
  const tool = (name: string, execute: () => unknown) =>
    defineTool({ name, description: `Does ${name}.`, inputSchema: z.object({}), effect: 'read', execute })
  const offered = (model: MockModel, call: number) => model.calls[call]?.tools?.map(({ name }) => name)

  it('The tool selection by performance offers successful and untried tools of this user, also after a restart.', async () => {
    const storage = file()
    const tools = [
      tool('flaky', () => {
        throw new Error('no')
      }),
      tool('steady', () => 1),
      tool('unused', () => 1),
    ]
    const chat = (responses: readonly MockItem[], user = 'ada') =>
      open(storage, async (troupe) => {
        const { model, agent } = mockAgent(responses, { tools, toolSelection: { by: 'performance', limit: 2 } })
        await troupe.user(user).session(agent).chat('go')
        return offered(model, 0)
      })
    const use = (name: string): MockItem => ({ toolCalls: [{ name }] })
    expect(await chat([use('flaky'), use('steady'), 'done'])).toEqual(['flaky', 'steady'])
    // What was never offered comes first, then what succeeded.
    expect(await chat([use('unused'), 'done'])).toEqual(['unused', 'steady'])
    for (let i = 0; i < 12; i++) await chat([use('steady'), 'done'])
    const last = await chat(['done'])
    expect(last).toContain('steady')
    expect(await chat(['done'], 'bob')).toEqual(['flaky', 'steady'])
  })

  it('The tool selection by performance offers the same tools when a step is executed again.', async () => {
    const storage = file()
    const ask = defineTool({
      name: 'ask',
      description: 'Asks.',
      inputSchema: z.object({}),
      durable: true,
      execute: (_, { ctx }) => ctx.ask({ text: 'Sure?' }),
    })
    const agentOf = (responses: readonly MockItem[]) =>
      mockAgent(responses, {
        tools: [tool('a', () => 1), ask, tool('c', () => 1)],
        toolSelection: { by: 'performance', limit: 2 },
      })
    const first = agentOf([{ toolCalls: [{ name: 'ask' }] }])
    const id = await open(storage, async (troupe) => {
      const { questions = [] } = await troupe.user('ada').session(first.agent, { threadId: 't' }).generate('go')
      return questions[0]?.id ?? ''
    })
    const second = agentOf(['done'])
    await open(storage, async (troupe) => {
      expect(await troupe.user('ada').session(second.agent, { threadId: 't' }).answer(id, 'yes')).toMatchObject({
        text: 'done',
      })
    })
    expect(offered(second.model, 0)).toEqual(offered(first.model, 0))
  })
})

it('The tool selection by similarity uses vectors of the embedding model, computed once for each tool.', async () => {
  const { model: vectors, asked } = embedding('one')
  const converters = Array.from({ length: 200 }, (_, i) =>
    defineTool({
      name: `convert_${i}`,
      description: `Converts unit ${i}.`,
      inputSchema: z.object({}),
      execute: () => 1,
    }),
  )
  const chain = defineTool({ name: 'oil', description: 'For a chain.', inputSchema: z.object({}), execute: () => 1 })
  await open(
    'memory:',
    async (troupe) => {
      const { model, agent } = mockAgent(['a', 'b'], {
        tools: [...converters, chain],
        toolSelection: { by: 'similarity', limit: 5 },
      })
      await troupe.user('ada').session(agent).chat('my bicycle squeaks')
      expect(model.calls[0]?.tools?.map(({ name }) => name)).toContain('oil')
      expect(model.calls[0]?.tools).toHaveLength(5)
      const before = asked.length
      await troupe.user('ada').session(agent).chat('my bike squeaks')
      expect(asked.length - before).toBe(1)
    },
    { models: { embedding: vectors } },
  )
})

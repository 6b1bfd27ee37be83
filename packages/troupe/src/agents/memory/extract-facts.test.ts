import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineTool, LlmAgent } from '../../index.ts'
import { troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { type MockItem, MockModel } from '../../testing/index.ts'
import type { MemoryOptions } from '../definitions/memory-options.ts'

const { ada, opened } = troupesOfTests()

const isExtraction = (prompt: string) => prompt.includes('You keep the facts')
const promptsOf = (model: MockModel): readonly string[] => model.calls.map(({ prompt }) => JSON.stringify(prompt))

/** Answers `Noted.`, and each extraction by the next of the answers. */
function clerkWith(facts: NonNullable<MemoryOptions['consolidate']>, answers: readonly (object | string)[]) {
  const left = [...answers]
  const reply: MockItem = ({ prompt }) => {
    if (!isExtraction(JSON.stringify(prompt))) return 'Noted.'
    const next = left.shift() ?? { facts: [] }
    return typeof next === 'string' ? next : JSON.stringify(next)
  }
  const model = new MockModel({ responses: Array.from({ length: 30 }, () => reply) })
  return { model, agent: new LlmAgent({ name: 'Clerk', model, instructions: 'Help.', memory: { consolidate: facts } }) }
}

describe('memory.consolidate', () => {
  it('A fact of one conversation is in the prompts of the next, and a contradicting fact replaces it.', async () => {
    const { model, agent } = clerkWith(true, [
      { facts: [{ text: 'Ada lives in Berlin.' }, { text: 'Ada has a cat, Tom.' }] },
      { facts: [{ text: 'Ada lives in Oslo.', replaces: 2 }] },
    ])
    const user = await ada()
    await user.session(agent, { threadId: 'a' }).generate('I live in Berlin, with my cat Tom.')
    await user.session(agent, { threadId: 'b' }).generate('I moved to Oslo.')
    await user.session(agent, { threadId: 'c' }).generate('Where do I live?')
    const asked = promptsOf(model).filter((prompt) => !isExtraction(prompt))
    expect(asked[1]).toContain('Ada lives in Berlin.')
    expect(asked[2]).toContain('Ada lives in Oslo.')
    expect(asked[2]).toContain('Ada has a cat, Tom.')
    expect(asked[2]).not.toContain('Berlin')
    const { facts } = user.memory('Clerk')
    const [oslo] = await facts.items()
    expect(oslo).toMatchObject({ content: 'Ada lives in Oslo.', version: 2, source: 'thread:b/Clerk' })
    expect(await facts.history(oslo?.id ?? '')).toMatchObject([{ content: 'Ada lives in Berlin.', version: 1 }])
  })

  it('Several facts in place of one are all stored, and the first of them continues its history.', async () => {
    const { agent } = clerkWith(true, [
      { facts: [{ text: 'Ada is a baker in Berlin.' }] },
      {
        facts: [
          { text: 'Ada lives in Oslo.', replaces: 1 },
          { text: 'Ada is a smith.', replaces: 1 },
        ],
      },
    ])
    const user = await ada()
    for (const threadId of ['a', 'b']) await user.session(agent, { threadId }).generate('I moved, and forge now.')
    const items = await user.memory('Clerk').facts.items()
    expect(items).toMatchObject([
      { content: 'Ada is a smith.', version: 1 },
      { content: 'Ada lives in Oslo.', version: 2 },
    ])
  })

  it('A fact that is known already is stored once.', async () => {
    const { agent } = clerkWith(true, [
      { facts: [{ text: 'Ada lives in Berlin.' }, { text: 'ada  lives in berlin.' }] },
      { facts: [{ text: 'Ada lives in Berlin.' }] },
    ])
    const user = await ada()
    for (const threadId of ['a', 'b']) await user.session(agent, { threadId }).generate('I live in Berlin.')
    expect(await user.memory('Clerk').facts.items()).toMatchObject([{ content: 'Ada lives in Berlin.', version: 1 }])
  })

  it('An extraction of facts that fails or has another form leaves the answer as it is.', async () => {
    for (const answer of ['Sure! The user lives in Berlin.', '{"facts": [{"text": ""}]}', '{"facts": 5}']) {
      const { agent } = clerkWith(true, [answer])
      const user = await ada()
      expect((await user.session(agent, { threadId: 'a' }).generate('I live in Berlin.')).text).toBe('Noted.')
      expect(await user.memory('Clerk').facts.items()).toEqual([])
    }
    const model = new MockModel({
      responses: Array.from(
        { length: 9 },
        (): MockItem =>
          ({ prompt }) => {
            if (isExtraction(JSON.stringify(prompt))) throw new Error('overloaded')
            return 'Noted.'
          },
      ),
    })
    const agent = new LlmAgent({ name: 'Clerk', model, memory: { consolidate: true } })
    const user = await ada()
    expect((await user.session(agent, { threadId: 'a' }).generate('I live in Berlin.')).text).toBe('Noted.')
  })

  it('The option maxFacts removes the oldest facts, and the prompt shows the most similar ones up to the limit.', async () => {
    const numbers = Array.from({ length: 8 }, (_, i) => ({
      facts: [{ text: `Parcel ${i} is ${'red blue'.split(' ')[i % 2]}.` }],
    }))
    const { model, agent } = clerkWith({ maxFacts: 6, limit: 2 }, numbers)
    const user = await ada()
    for (let i = 0; i < 8; i++) await user.session(agent, { threadId: `${i}` }).generate(`Parcel ${i} came.`)
    expect((await user.memory('Clerk').facts.items()).length).toBe(6)
    await user.session(agent, { threadId: 'last' }).generate('And parcel 3?')
    const last = promptsOf(model)
      .filter((prompt) => !isExtraction(prompt))
      .at(-1) as string
    expect(last).toContain('Parcel 3 is blue.')
    expect(last.match(/Parcel \d is/g)).toHaveLength(2)
  })

  it('A tainted fact taints the steps that see it, and the facts extracted from them.', async () => {
    const { agent } = clerkWith(true, [{ facts: [{ text: 'The code is 17.' }] }])
    const troupe = await opened()
    const user = troupe.user('ada')
    await user.memory('Clerk').facts.add('Mail says so.', { taint: ['untrusted:mail'] })
    await user.session(agent, { threadId: 'a' }).generate('The code is 17.')
    const items = await user.memory('Clerk').facts.items()
    expect(items.map(({ taint }) => taint.includes('untrusted:mail'))).toEqual([true, true])
  })

  it('A step that waited for an approval extracts its facts once, and its record names the call.', async () => {
    const reply: MockItem = ({ prompt }) => {
      const text = JSON.stringify(prompt)
      if (isExtraction(text)) return '{"facts": [{"text": "Ada lives in Berlin."}]}'
      return text.includes('tool-result') ? 'Sent.' : { toolCalls: [{ name: 'send', args: {} }] }
    }
    const model = new MockModel({ responses: [reply, reply, reply, reply] })
    const send = defineTool({
      name: 'send',
      description: 'Sends it.',
      inputSchema: z.object({}),
      effect: 'at-most-once',
      needsApproval: true,
      execute: async () => 'sent',
    })
    const agent = new LlmAgent({ name: 'Clerk', model, memory: { consolidate: true }, tools: { send } })
    const user = await ada()
    const run = await user.orchestra.start({ agent, task: 'Send it to me in Berlin.' })
    const [question] = (await run.result()).questions ?? []
    await run.answer(question?.id ?? '', { approve: true, hash: question?.hash ?? '' })
    expect(await run.output()).toBe('Sent.')
    expect(model.calls).toHaveLength(3)
    const calls = await run.calls('1#1')
    expect(calls.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual([
      'model 1',
      'model 2',
      'model facts',
      'tool send',
    ])
    expect(await user.memory('Clerk').facts.items()).toMatchObject([{ version: 1 }])
  })

  it('session.forget removes the facts of its conversation.', async () => {
    const { agent } = clerkWith(true, [{ facts: [{ text: 'Ada lives in Berlin.' }] }])
    const user = await ada()
    const session = user.session(agent, { threadId: 'a' })
    await session.generate('I live in Berlin.')
    await session.forget()
    expect(await user.memory('Clerk').facts.items()).toEqual([])
  })

  it('session.forget removes the earlier version of a fact that another conversation has replaced.', async () => {
    const { agent } = clerkWith(true, [
      { facts: [{ text: 'Ada lives in Berlin.' }] },
      { facts: [{ text: 'Ada lives in Rome.', replaces: 1 }] },
    ])
    const user = await ada()
    const [berlin, rome] = ['a', 'b'].map((threadId) => user.session(agent, { threadId }))
    await berlin?.generate('I live in Berlin.')
    await rome?.generate('I live in Rome now.')
    const { facts } = user.memory('Clerk')
    const [fact] = await facts.items()
    const id = fact?.id ?? ''
    expect(await facts.history(id)).toMatchObject([{ content: 'Ada lives in Berlin.' }])
    await berlin?.forget()
    expect([await facts.items(), await facts.history(id)]).toMatchObject([[{ content: 'Ada lives in Rome.' }], []])
  })
})

import type { LanguageModelV4Prompt } from '@ai-sdk/provider'
import { describe, expect, it } from 'vitest'
import { asked, call, notes, offered, read, search, tea, user } from './extractive-model.test.fixture.ts'

const callIn = async (options: Parameters<typeof call>[0]) => {
  const { content, finishReason } = await call(options)
  const [part] = content
  return part?.type === 'tool-call'
    ? { name: part.toolName, input: JSON.parse(part.input), id: part.toolCallId }
    : { finishReason, part }
}

describe('tool calls of the extractive model', () => {
  it('The extractive model searches first, with the question, even if the instructions contain the same words.', async () => {
    const prompt: LanguageModelV4Prompt = [
      { role: 'system', content: 'Researchers cite how retries wait before a call. Search the documents.' },
      user('How do retries wait?'),
    ]
    expect(await callIn({ prompt, tools: [read, search] })).toEqual({
      name: 'search_documents',
      input: { query: 'How do retries wait?' },
      id: 'call-1',
    })
  })

  it('The extractive model answers once the results contain the answer.', async () => {
    const prompt = asked('How do retries wait?', ['search_documents', { query: 'How do retries wait?' }, notes])
    expect(await callIn({ prompt, tools: [search, read] })).toMatchObject({
      finishReason: { unified: 'stop' },
      part: { type: 'text' },
    })
  })

  it('The extractive model reads a document that a search named without its text.', async () => {
    const prompt = asked('How do retries wait?', [
      'search_documents',
      { query: 'How do retries wait?' },
      [{ path: 'docs/retry.md', score: 3 }],
    ])
    expect(await callIn({ prompt, tools: [search, read] })).toMatchObject({
      name: 'read_document',
      input: { path: 'docs/retry.md' },
    })
  })

  it('The extractive model never makes the same call twice, and ends after a bounded number.', async () => {
    const question = 'How do retries wait, and what is cached?'
    const made: [string, object, unknown][] = []
    for (let round = 0; round < 20; round++) {
      const next = await callIn({ prompt: asked(question, ...made), tools: [search, read] })
      if (!('name' in next)) break
      made.push([next.name, next.input, []])
    }
    expect(made.length).toBeGreaterThan(1)
    expect(made.length).toBeLessThanOrEqual(6)
    expect(new Set(made.map((one) => JSON.stringify(one))).size).toBe(made.length)
    const last = await call({ prompt: asked(question, ...made), tools: [search, read] })
    expect(last.content[0]).toMatchObject({ type: 'text' })
  })

  it('The extractive model calls a tool that changes something only if the question asks for it.', async () => {
    const remove = offered('delete_topic', {
      type: 'object',
      properties: { topic: { type: 'string' } },
      required: ['topic'],
    })
    expect(await callIn({ prompt: [user('Which topic is closed?')], tools: [remove] })).not.toHaveProperty('name')
    expect(await callIn({ prompt: [user('Delete the topic “orders”.')], tools: [remove] })).toMatchObject({
      name: 'delete_topic',
    })
  })

  it('The extractive model takes arguments from the question, and calls no tool if they are missing.', async () => {
    const add = offered('add_numbers', {
      type: 'object',
      properties: { a: { type: 'number' }, b: { type: 'number' } },
      required: ['a', 'b'],
    })
    const weather = offered('get_weather', {
      type: 'object',
      properties: { city: { type: 'string' }, unit: { enum: ['celsius', 'kelvin'] } },
      required: ['city'],
    })
    expect(await callIn({ prompt: [user('Add 2 and 40.')], tools: [add] })).toMatchObject({ input: { a: 2, b: 40 } })
    expect(await callIn({ prompt: [user('Add them up.')], tools: [add] })).not.toHaveProperty('name')
    expect(await callIn({ prompt: [user('How warm is it in New York, in celsius?')], tools: [weather] })).toMatchObject(
      { input: { city: 'New York', unit: 'celsius' } },
    )
    expect(
      await callIn({ prompt: [user('How warm is it?')], tools: [weather], toolChoice: { type: 'required' } }),
    ).toMatchObject({ finishReason: { unified: 'other' } })
  })

  it('The extractive model obeys a tool choice.', async () => {
    expect(
      await callIn({ prompt: [user('How do retries wait?')], tools: [search], toolChoice: { type: 'none' } }),
    ).not.toHaveProperty('name')
    const prompt = asked('How do retries wait?', ['search_documents', { query: 'other' }, notes])
    expect(
      await callIn({ prompt, tools: [search, read], toolChoice: { type: 'tool', toolName: 'read_document' } }),
    ).toMatchObject({ name: 'read_document', input: { path: 'docs/retry.md' }, id: 'call-2' })
  })
})

describe('coordination tools of the extractive model', () => {
  const finish = offered('finish', { type: 'object', properties: { answer: { type: 'string' } }, required: ['answer'] })
  const askUser = offered('ask_user', {
    type: 'object',
    properties: { question: { type: 'string' } },
    required: ['question'],
  })
  const invoke = offered('invoke_agent', {
    type: 'object',
    properties: {
      invocations: {
        type: 'array',
        items: {
          type: 'object',
          properties: { agent_name: { type: 'string', enum: ['R1', 'R2'] }, request: { type: 'string' } },
          required: ['agent_name', 'request'],
        },
      },
    },
    required: ['invocations'],
  })

  it('The extractive model prefers plain text to coordination tools.', async () => {
    expect(await callIn({ prompt: [user(`What is tea?\n\n${tea}`)], tools: [finish, askUser, invoke] })).toMatchObject({
      part: { type: 'text' },
    })
    expect(await callIn({ prompt: [user('What is tea?')], tools: [finish, askUser, invoke] })).toMatchObject({
      part: { type: 'text' },
    })
  })

  it('The extractive model finishes with its answer if that is required or requested.', async () => {
    const prompt = [user(`What is tea?\n\n${tea}`)]
    expect(await callIn({ prompt, tools: [finish, askUser], toolChoice: { type: 'required' } })).toMatchObject({
      name: 'finish',
      input: { answer: expect.stringContaining('Tea is a drink') },
    })
    const steered: LanguageModelV4Prompt = [
      ...prompt,
      { role: 'assistant', content: [{ type: 'text', text: 'Tea.' }] },
      user('Call finish or invoke_agent.'),
    ]
    expect(await callIn({ prompt: steered, tools: [finish, askUser] })).toMatchObject({ name: 'finish' })
  })

  it('The extractive model delegates the parts of a question once, if the instructions say so.', async () => {
    const prompt: LanguageModelV4Prompt = [
      { role: 'system', content: 'Delegate the parts of the question to your researchers.' },
      user('What is tea, and how is it made?'),
    ]
    expect(await callIn({ prompt, tools: [invoke, finish] })).toMatchObject({
      name: 'invoke_agent',
      input: {
        invocations: [
          { agent_name: 'R1', request: 'What is tea?' },
          { agent_name: 'R2', request: 'How is it made?' },
        ],
      },
    })
    const results = { results: [{ agent: 'R1', success: true, value: 'Tea is a drink made of leaves.' }] }
    expect(
      await callIn({
        prompt: [...prompt, ...asked('x', ['invoke_agent', {}, results]).slice(1)],
        tools: [invoke, finish],
      }),
    ).toMatchObject({
      part: { text: expect.stringContaining('“Tea is a drink made of leaves.”') },
    })
  })
})

/** The formats against the packages they are for, with the answers of a provider played by a fetch of ours. */
import Anthropic from '@anthropic-ai/sdk'
import { AIMessage, HumanMessage, type ToolMessage } from '@langchain/core/messages'
import { FakeListChatModel } from '@langchain/core/utils/testing'
import { MessagesAnnotation, StateGraph } from '@langchain/langgraph'
import { ToolNode } from '@langchain/langgraph/prebuilt'
import OpenAI from 'openai'
import { createTroupe } from 'troupe'
import { toAnthropic, toLangChain, toLangGraph, toOpenAI } from 'troupe/tools'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

let troupe: Awaited<ReturnType<typeof createTroupe>>
const support = () => troupe.user('ada').agent('Support')
beforeEach(async () => {
  troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  await support().context.push('k', { paid: true })
})
afterEach(() => troupe.close())

/** Keeps what is sent, and answers with the same. */
function provider(answer: object) {
  const sent: { readonly tools?: unknown }[] = []
  const fetch = async (_url: unknown, init?: { readonly body?: unknown }) => {
    sent.push(JSON.parse(String(init?.body)))
    return Response.json(answer)
  }
  return { sent, fetch }
}

describe('OpenAI', () => {
  const answered = (args: string) => ({
    id: 'c1',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [
      {
        index: 0,
        finish_reason: 'tool_calls',
        logprobs: null,
        message: {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 't1', type: 'function', function: { name: 'get_context', arguments: args } }],
        },
      },
    ],
  })

  it('The OpenAI format sends the tools, and executes the tool calls of the model.', async () => {
    for (const [args, expected] of [
      ['{"key":"k"}', { success: true, value: { paid: true } }],
      ['{"key":', { success: false, code: 'tool.arguments' }],
    ] as const) {
      const { sent, fetch } = provider(answered(args))
      const client = new OpenAI({ apiKey: 'x', fetch, baseURL: 'http://127.0.0.1:9/v1' })
      const { tools, call } = toOpenAI(support().tools)
      const completion = await client.chat.completions.create({
        model: 'm',
        messages: [{ role: 'user', content: 'k?' }],
        tools,
      })
      expect(sent[0]?.tools).toHaveLength(12)
      const [asked] = completion.choices[0]?.message.tool_calls ?? []
      if (asked?.type !== 'function') throw new Error('no call')
      expect(await call(asked)).toMatchObject(expected)
    }
  })
})

describe('Anthropic', () => {
  it('The Anthropic format sends the tools, and executes the tool calls of the model.', async () => {
    const { sent, fetch } = provider({
      id: 'm1',
      type: 'message',
      role: 'assistant',
      model: 'm',
      content: [{ type: 'tool_use', id: 't1', name: 'get_context', input: { key: 'k' } }],
      stop_reason: 'tool_use',
      usage: { input_tokens: 1, output_tokens: 1 },
    })
    const client = new Anthropic({ apiKey: 'x', fetch, baseURL: 'http://127.0.0.1:9' })
    const { tools, call } = toAnthropic(support().tools)
    const message = await client.messages.create({
      model: 'm',
      max_tokens: 100,
      messages: [{ role: 'user', content: 'k?' }],
      tools,
    })
    expect(sent[0]?.tools).toHaveLength(12)
    const [asked] = message.content
    if (asked?.type !== 'tool_use') throw new Error('no call')
    expect(await call(asked)).toMatchObject({ success: true, value: { paid: true } })
  })
})

const asks = new AIMessage({
  content: '',
  tool_calls: [
    { id: 't1', name: 'get_context', args: { key: 'k' }, type: 'tool_call' },
    { id: 't2', name: 'get_context', args: { key: 'none' }, type: 'tool_call' },
  ],
})
const contentOf = (message: unknown) => JSON.parse(String((message as ToolMessage).content)) as unknown

describe('LangChain', () => {
  it('The LangChain format binds the tools, and executes tool calls.', async () => {
    const { tools, call } = toLangChain(support().tools)
    const model = new FakeListChatModel({ responses: ['x'] })
    expect(() => model.bindTools?.(tools)).not.toThrow()
    const [asked] = asks.tool_calls ?? []
    if (!asked) throw new Error('no call')
    expect(await call({ name: asked.name, args: asked.args })).toMatchObject({ success: true, value: { paid: true } })
  })
})

describe('LangGraph', () => {
  it('The LangGraph format executes the tools in a node of a graph.', async () => {
    const { tools } = toLangGraph(support().tools)
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('model', () => ({ messages: [asks] }))
      .addNode('tools', new ToolNode(tools as never))
      .addEdge('__start__', 'model')
      .addEdge('model', 'tools')
      .addEdge('tools', '__end__')
      .compile()
    const { messages } = await graph.invoke({ messages: [new HumanMessage('k?')] })
    expect(messages.slice(-2).map(contentOf)).toMatchObject([
      { success: true, value: { paid: true } },
      { success: false, code: 'context.missing' },
    ])
    expect(messages.slice(-2).map((message) => (message as ToolMessage).tool_call_id)).toEqual(['t1', 't2'])
  })
})

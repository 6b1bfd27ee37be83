/** The adapters of agents against the packages they are for: answer, usage, tool calls, abort, memory, endings without an answer. */

import { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { AIMessage } from '@langchain/core/messages'
import { tool as langTool } from '@langchain/core/tools'
import { interrupt, MemorySaver, MessagesAnnotation, StateGraph } from '@langchain/langgraph'
import { ToolNode } from '@langchain/langgraph/prebuilt'
import { Agent, type Model, type ModelResponse, tool as openAiTool, Runner, Usage } from '@openai/agents'
import { isStepCount, jsonSchema, Output, ToolLoopAgent, tool } from 'ai'
import { createTroupe, LlmAgent, patterns, type Troupe } from 'troupe'
import { fromAiSdk } from 'troupe/compat/ai-sdk'
import { fromLangGraph } from 'troupe/compat/langgraph'
import { fromOpenAiAgents } from 'troupe/compat/openai-agents'
import { MockModel } from 'troupe/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'

let troupe: Troupe
const ada = () => troupe.user('ada')
beforeEach(async () => {
  troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
})
afterEach(() => troupe.close())

const never = () => new Promise<never>(() => {})
/** An agent that hangs is left at once, whatever it makes of the signal. */
async function abandoned(agent: Parameters<ReturnType<typeof ada>['session']>[0]) {
  const controller = new AbortController()
  const asked = ada().session(agent).generate('hang', { signal: controller.signal })
  asked.catch(() => {})
  await new Promise((done) => setTimeout(done, 50))
  controller.abort()
  await expect(asked).rejects.toMatchObject({ name: 'CancelledError' })
}
const look = {
  description: 'Looks.',
  inputSchema: jsonSchema({ type: 'object', properties: { q: { type: 'string' } } }),
}

describe('an agent of the AI SDK', () => {
  const createLookTools = (execute?: () => unknown) => ({
    look: tool({ ...look, ...(execute ? { execute } : {}) } as never),
  })
  const calling = { toolCalls: [{ name: 'look', args: { q: 'x' } }] }

  it('An agent of the AI SDK answers in a topology by one call, with its usage, cost and tool calls.', async () => {
    const model = new MockModel({ responses: [calling, 'It is blue.'] })
    const inner = new ToolLoopAgent({ model, tools: createLookTools(() => 'blue'), instructions: 'You look.' })
    const looker = fromAiSdk(inner, { name: 'Looker', effect: 'idempotent', model: 'openai/gpt-4o' })
    const run = await ada().orchestra.start({
      task: 'Which?',
      topology: patterns.pipeline({ stages: [{ agents: [looker] }] }),
    })
    const result = await run.result()
    expect(result).toMatchObject({ response: 'It is blue.', usage: { inputTokens: 20, outputTokens: 10 } })
    expect(result.cost.usd).toBeCloseTo((20 * 2.5 + 10 * 10) / 1e6, 12)
    const { toolCalls } = await ada()
      .session(
        fromAiSdk(
          new ToolLoopAgent({
            model: new MockModel({ responses: [calling, 'Blue.'] }),
            tools: createLookTools(() => 'blue'),
          }),
          { name: 'L' },
        ),
      )
      .generate('Which?')
    expect(toolCalls).toMatchObject([{ name: 'look', args: { q: 'x' }, success: true, result: 'blue' }])
  })

  it('An agent of the AI SDK gives its structured output.', async () => {
    const model = new MockModel({ responses: ['{"colour":"blue"}'] })
    const inner = new ToolLoopAgent({ model, output: Output.object({ schema: z.object({ colour: z.string() }) }) })
    expect(
      (
        await ada()
          .session(fromAiSdk(inner, { name: 'L' }))
          .generate('?')
      ).output,
    ).toEqual({ colour: 'blue' })
  })

  it('An agent of the AI SDK fails if it ends without an answer.', async () => {
    const of = (settings: object) =>
      ada()
        .session(fromAiSdk(new ToolLoopAgent(settings as never), { name: 'L' }), {
          threadId: JSON.stringify(Object.keys(settings)),
        })
        .generate('?')
    const endings = [
      { model: new MockModel({ responses: [''] }) },
      { model: new MockModel({ responses: [calling] }), tools: createLookTools() },
      { model: new MockModel({ responses: [calling] }), tools: createLookTools(() => 1), stopWhen: isStepCount(1) },
      {
        model: new MockModel({ responses: [calling] }),
        tools: createLookTools(() => 1),
        toolApproval: { look: 'user-approval' },
      },
    ]
    for (const ending of endings) await expect(of(ending)).rejects.toMatchObject({ code: 'compat.unfinished' })
  })

  it('An agent of the AI SDK is abandoned when it is cancelled.', async () => {
    await abandoned(fromAiSdk(new ToolLoopAgent({ model: new MockModel({ responses: [never] }) }), { name: 'L' }))
  })

  it('An agent of the AI SDK accepts messages, and helps an LlmAgent as a tool.', async () => {
    const model = new MockModel({ responses: ['helped'] })
    const settings = () => ({ messages: [{ role: 'user', content: 'said before' }] })
    const helper = fromAiSdk(new ToolLoopAgent({ model }), { name: 'Helper', effect: 'read', settings })
    const ask = { toolCalls: [{ name: 'helper', args: { request: 'help' } }] }
    const boss = new LlmAgent({ name: 'Boss', model: new MockModel({ responses: [ask, 'done'] }), agents: { helper } })
    expect(await ada().session(boss).generate('go')).toMatchObject({ text: 'done', usage: { inputTokens: 30 } })
    expect(JSON.stringify(model.calls[0]?.prompt)).toContain('said before')
  })
})

describe('a graph of LangGraph.js', () => {
  const usage_metadata = { input_tokens: 7, output_tokens: 3, total_tokens: 10 }
  const aiMessage = (content: string, tool_calls: AIMessage['tool_calls'] = []) =>
    new AIMessage({ content, tool_calls, usage_metadata } as never)
  const call = { name: 'look', args: { q: 'x' }, id: 'c1', type: 'tool_call' as const }
  const lookTool = langTool(async ({ q }: { q: string }) => `seen ${q}`, {
    name: 'look',
    description: 'Looks.',
    schema: z.object({ q: z.string() }),
  })
  class Scripted extends BaseChatModel {
    readonly left: AIMessage[]
    constructor(left: AIMessage[]) {
      super({})
      this.left = left
    }
    _llmType() {
      return 'scripted'
    }
    async _generate() {
      const message = this.left.shift() ?? aiMessage('?')
      return { generations: [{ text: message.text, message }] }
    }
  }
  /** A model and its tools in turns, as in their guides. */
  function graphOf(responses: AIMessage[], more: object = {}) {
    const scripted = new Scripted(responses)
    const model = async ({ messages }: typeof MessagesAnnotation.State, config: object) => ({
      messages: [await scripted.invoke(messages, config)],
    })
    return new StateGraph(MessagesAnnotation)
      .addNode('model', model)
      .addNode('tools', new ToolNode([lookTool]))
      .addEdge('__start__', 'model')
      .addConditionalEdges('model', ({ messages }) =>
        (messages.at(-1) as AIMessage).tool_calls?.length ? 'tools' : '__end__',
      )
      .addEdge('tools', 'model')
      .compile(more)
  }

  it('A graph of LangGraph.js answers in a topology, with usage and tool calls from its callbacks.', async () => {
    const graph = graphOf([aiMessage('', [call]), aiMessage('It is blue.')])
    const agent = fromLangGraph(graph, { name: 'Graph', effect: 'idempotent' })
    const { text, usage, toolCalls, cost } = await ada().session(agent).generate('Which?')
    expect([text, usage]).toEqual(['It is blue.', { inputTokens: 14, outputTokens: 6 }])
    expect(toolCalls).toMatchObject([{ name: 'look', args: { q: 'x' }, success: true, result: 'seen x' }])
    expect(cost).toEqual({ usd: 0, unknown: ['Graph'] })
    const second = fromLangGraph(graphOf([aiMessage('and so on')]), { name: 'Second' })
    const topology = patterns.pipeline({
      stages: [{ agents: [fromLangGraph(graphOf([aiMessage('first')]), { name: 'First' })] }, { agents: [second] }],
    })
    expect((await (await ada().orchestra.start({ task: 't', topology })).result()).response).toBe('and so on')
  })

  it('A graph of LangGraph.js with a checkpointer remembers its own thread alone.', async () => {
    const graph = graphOf([aiMessage('one'), aiMessage('two'), aiMessage('three')], { checkpointer: new MemorySaver() })
    const counting = fromLangGraph(graph, {
      name: 'G',
      output: (state: typeof MessagesAnnotation.State) => state.messages.length,
    })
    const messages = async (user: string, threadId: string) =>
      (await troupe.user(user).session(counting, { threadId }).generate('hi')).output
    expect([await messages('ada', 'a'), await messages('ada', 'a'), await messages('bob', 'a')]).toEqual([2, 4, 2])
  })

  it('A graph of LangGraph.js fails if it ends with an interrupt.', async () => {
    const asking = new StateGraph(MessagesAnnotation)
      .addNode('ask', () => ({ messages: [aiMessage(String(interrupt('May I?')))] }))
      .addEdge('__start__', 'ask')
      .compile({ checkpointer: new MemorySaver() })
    await expect(
      ada()
        .session(fromLangGraph(asking, { name: 'G' }))
        .generate('?'),
    ).rejects.toMatchObject({
      code: 'compat.unfinished',
    })
  })

  it('A graph of LangGraph.js is abandoned when it is cancelled.', async () => {
    const hanging = new StateGraph(MessagesAnnotation).addNode('hang', never).addEdge('__start__', 'hang').compile()
    await abandoned(fromLangGraph(hanging, { name: 'G' }))
  })
})

describe('an agent of the OpenAI Agents SDK', () => {
  type OutputItem = ModelResponse['output'][number]
  const message = (text: string) =>
    ({
      type: 'message',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text }],
    }) satisfies OutputItem
  const call = {
    type: 'function_call',
    callId: 'c1',
    name: 'look',
    status: 'completed',
    arguments: '{"q":"x"}',
  } as const
  function scripted(...outputs: readonly OutputItem[]): Model {
    const left = [...outputs]
    return {
      async getResponse(): Promise<ModelResponse> {
        const next = left.shift()
        if (!next) return never()
        return { usage: new Usage({ inputTokens: 7, outputTokens: 3, totalTokens: 10 }), output: [next] }
      },
      getStreamedResponse: () => {
        throw new Error('not streamed')
      },
    }
  }
  const runner = new Runner({ tracingDisabled: true })
  const run = runner.run.bind(runner)
  const createLookTools = (needsApproval: boolean) =>
    openAiTool({
      name: 'look',
      description: 'Looks.',
      parameters: z.object({ q: z.string() }),
      needsApproval,
      execute: ({ q }) => `seen ${q}`,
    })

  it('An agent of the OpenAI Agents SDK answers in a topology with its usage and tool calls.', async () => {
    const inner = new Agent({
      name: 'Triage',
      model: scripted(call, message('It is blue.')),
      tools: [createLookTools(false)],
    })
    const { text, usage, toolCalls } = await ada().session(fromOpenAiAgents(inner, { run })).generate('Which?')
    expect([text, usage]).toEqual(['It is blue.', { inputTokens: 14, outputTokens: 6 }])
    expect(toolCalls).toMatchObject([{ name: 'look', args: { q: 'x' }, success: true }])
    const other = fromOpenAiAgents(new Agent({ name: 'Other', model: scripted(message('and so on')) }), { run })
    const topology = { agents: [other], flows: ['Start -> Other', 'Other -> End'] }
    expect((await (await ada().orchestra.start({ task: { n: 1 }, topology })).result()).response).toBe('and so on')
  })

  it('An agent of the OpenAI Agents SDK gives a structured final output.', async () => {
    const outputType = z.object({ colour: z.string() })
    const inner = new Agent({ name: 'T', model: scripted(message('{"colour":"blue"}')), outputType })
    expect((await ada().session(fromOpenAiAgents(inner, { run })).generate('?')).output).toEqual({ colour: 'blue' })
  })

  it('An agent of the OpenAI Agents SDK fails if it waits for an approval.', async () => {
    const inner = new Agent({ name: 'T', model: scripted(call), tools: [createLookTools(true)] })
    await expect(ada().session(fromOpenAiAgents(inner, { run })).generate('?')).rejects.toMatchObject({
      code: 'compat.unfinished',
      message: expect.stringContaining('look') as string,
    })
  })

  it('An agent of the OpenAI Agents SDK is abandoned when it is cancelled.', async () => {
    await abandoned(fromOpenAiAgents(new Agent({ name: 'T', model: scripted() }), { run }))
  })
})

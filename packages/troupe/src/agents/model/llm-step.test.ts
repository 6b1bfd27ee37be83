import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4Message } from '@ai-sdk/provider'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { systemClock, TroupeError } from '../../core/index.ts'
import { BatchProcessor, Pool } from '../../resilience/index.ts'
import { MockModel } from '../../testing/index.ts'
import { defineTool } from '../../tools/index.ts'
import { AgentPool } from '../definitions/agent-pool.ts'
import { BaseLlmAgent } from '../definitions/base-llm-agent.ts'
import { call, look, resultsIn, stage, team } from './llm-step.test.fixture.ts'

describe('a step of an LlmAgent', () => {
  it('A step of an LlmAgent returns the text of the model if a value has one target.', async () => {
    const { step, stored } = stage(['hello'])
    const outcome = await step('hi')
    expect(outcome).toMatchObject({
      kind: 'value',
      value: 'hello',
      report: { usage: { inputTokens: 10, outputTokens: 5 } },
    })
    expect(stored).toHaveLength(2)
  })

  it('A step of an LlmAgent calls tools and gives the model their results in the order of its calls.', async () => {
    const { step, model } = stage(
      [
        {
          toolCalls: [
            { name: 'look', args: { q: 'slow' } },
            { name: 'look', args: { q: 'fast' } },
          ],
        },
        'done',
      ],
      {
        tools: {
          look: look(async ({ q }) =>
            q === 'slow' ? new Promise((done) => systemClock.after(20, () => done('slow one'))) : 'fast one',
          ),
        },
      },
    )
    expect(await step('go')).toMatchObject({ kind: 'value', value: 'done' })
    expect(resultsIn(model, 1).map((text) => /slow one|fast one/.exec(text)?.[0])).toEqual(['slow one', 'fast one'])
  })

  it('A step of an LlmAgent reports unknown tools, wrong arguments and failures to the model, and continues.', async () => {
    const { step, model } = stage([call('lok', { q: 1 }), call('look', { q: 1 }), call('look', { q: 'x' }), 'sorry'], {
      tools: [look(async () => Promise.reject(new Error('the shelf is empty')))],
    })
    expect(await step('go')).toMatchObject({ value: 'sorry' })
    const [unknown, wrong, failed] = resultsIn(model, 3)
    expect(unknown).toMatch(/Did you mean look\?/)
    expect(wrong).toMatch(/q: /)
    expect(failed).toMatch(/the shelf is empty/)
    expect(failed).not.toMatch(/\.ts:\d/)
  })

  it('A step of an LlmAgent reports a closed pool or batch processor of a tool to the model, and continues.', async () => {
    const pool = new Pool({ create: () => 'a connection' })
    const batches = new BatchProcessor({ process: async (items: readonly string[]) => items })
    const agents = new AgentPool({ create: () => 'an instance' })
    for (const part of [pool, batches, agents]) await part.close()
    const uses = { pool: () => pool.use(String), batch: () => batches.add('x'), agents: () => agents.use(String) }
    const { step, model } = stage([...Object.keys(uses).map((q) => call('look', { q })), 'sorry'], {
      tools: [look(({ q }) => uses[q as keyof typeof uses]())],
    })
    expect(await step('go')).toMatchObject({ value: 'sorry' })
    const [first, second, third] = resultsIn(model, 3)
    expect([first, third]).toEqual(Array(2).fill(expect.stringContaining('the pool is closed')))
    expect(second).toContain('the batch processor is closed')
  })

  it('A step of an LlmAgent fails if the model makes only calls that cannot be carried out.', async () => {
    const { step } = stage(Array.from({ length: 20 }, () => call('nothing', {})))
    await expect(step('go')).rejects.toMatchObject({
      code: 'model.answer',
      details: { spent: { inputTokens: 50, outputTokens: 25 } },
    })
  })

  it('A step of an LlmAgent reminds a model whose text fits no target, and fails with a diagnosis.', async () => {
    const { step } = stage(['let me think', call('finish', { answer: 'so' })])
    expect(await step('go', { flow: team })).toMatchObject({ kind: 'finish', value: 'so' })
    const stubborn = stage(Array.from({ length: 30 }, () => 'just talk'))
    await expect(stubborn.step('go', { flow: { ...team, handOff: ['D'] } })).rejects.toThrow(/just talk.*invoke_agent/)
    expect(stubborn.model.calls).toHaveLength(10)
  })

  it('A step of an LlmAgent checks the form of the answer and asks again with the reason.', async () => {
    const output = z.object({ n: z.number() })
    const { step, model } = stage(['n is four', '```json\n{ "n": 4 }\n```'], { output })
    expect(await step('go')).toMatchObject({ kind: 'value', value: { n: 4 } })
    expect(JSON.stringify(model.calls[1]?.prompt)).toMatch(/does not fit the form/)
    expect(model.calls[0]?.responseFormat).toMatchObject({ type: 'json' })
  })

  it('A step of an LlmAgent asks for approval of the exact arguments, and reports a refusal without a call of the tool.', async () => {
    let ran = 0
    const tools = { look: look(async () => ++ran, { needsApproval: true, effect: 'at-most-once' }) }
    const denied = stage([call('look', { q: '5' }), 'then not'], { tools })
    expect(await denied.step('go', {}, () => ({ approve: false, reason: 'too much' }))).toMatchObject({
      value: 'then not',
    })
    expect(denied.asked[0]).toMatchObject({ kind: 'approval', tool: 'look', args: { q: '5' } })
    expect(resultsIn(denied.model, 1)[0]).toMatch(/too much/)
    expect(ran).toBe(0)
    const agreed = stage([call('look', { q: '5' }), 'done'], { tools })
    await agreed.step('go', {}, ({ hash }: { hash: string }) => ({ approve: true, hash }))
    expect(ran).toBe(1)
    const mixed = stage([call('look', { q: '5' }), 'done'], { tools })
    await mixed.step('go', {}, () => ({ approve: true, hash: 'another' }))
    expect(resultsIn(mixed.model, 1)[0]).toMatch(/other arguments/)
    expect(ran).toBe(1)
  })

  it('A step of an LlmAgent asks for approval if the function of a tool says so, and calls no tool whose function fails.', async () => {
    const ran: unknown[] = []
    const needsApproval = ({ q }: { readonly q: string }) => {
      if (q === 'broken') throw new RangeError('out of order')
      return q === 'much'
    }
    const tools = { look: look(async ({ q }) => ran.push(q), { needsApproval, effect: 'at-most-once' }) }
    const calls = ['little', 'much', 'broken'].map((q) => ({ name: 'look', args: { q } }))
    const { step, asked, model } = stage([{ toolCalls: calls }, 'done'], { tools })
    expect(await step('go', {}, ({ hash }: { hash: string }) => ({ approve: true, hash }))).toMatchObject({
      value: 'done',
    })
    expect(asked).toMatchObject([{ kind: 'approval', args: { q: 'much' } }])
    expect(ran.sort()).toEqual(['little', 'much'])
    expect(resultsIn(model, 1)[2]).toMatch(/Not called: .*out of order/)
  })

  it('A step of an LlmAgent calls no tool whose needsApproval returned neither true nor false.', async () => {
    const ran: unknown[] = []
    const needsApproval = () => undefined as never
    const tools = { look: look(async ({ q }) => ran.push(q), { needsApproval, effect: 'at-most-once' }) }
    const { step, asked, model } = stage([{ toolCalls: [{ name: 'look', args: { q: 'x' } }] }, 'done'], { tools })
    await step('go')
    expect([ran, asked]).toEqual([[], []])
    expect(resultsIn(model, 1)[0]).toMatch(/Not called: .*it must return true or false, and returned undefined/)
  })

  it('A step of an LlmAgent asks for approval of a change after untrusted input and sensitive data.', async () => {
    const tools = [
      look(async () => 'from the web', { untrusted: true, sensitive: 'payroll' }),
      defineTool({
        name: 'mail',
        description: 'Sends.',
        inputSchema: z.object({ q: z.string() }),
        execute: async () => 'sent',
      }),
    ]
    const { step, asked } = stage([call('look', { q: 'x' }), call('mail', { q: 'x' }), 'done'], { tools })
    await step('go', {}, ({ hash }: { hash: string }) => ({ approve: true, hash }))
    expect(asked).toMatchObject([{ kind: 'approval', tool: 'mail' }])
  })

  it('A step of an LlmAgent warns of repetition in the result, and ends when the guard stops it.', async () => {
    const verdicts = ['go', 'nudge', 'stop'] as const
    let n = 0
    const repetition = () => ({ verdict: verdicts[n++] ?? 'go', used: 3, limit: 3 })
    const { step, model } = stage(
      Array.from({ length: 5 }, () => call('look', { q: 'same' })),
      { tools: [look()] },
    )
    const expected = { code: 'guard.repetition', details: { used: 3 } }
    await expect(step('go', { services: { limits: { timeouts: {}, repetition } } as never })).rejects.toMatchObject(
      expected,
    )
    expect(resultsIn(model, 1)[0]).not.toMatch(/several times/)
    expect(resultsIn(model, 2)[1]).toMatch(/several times/)
  })

  it('A step of an LlmAgent calls a helper as a tool.', async () => {
    const helper = new BaseLlmAgent({ name: 'Helper', model: new MockModel({ responses: ['helped'] }) })
    const { step, model } = stage([call('helper', { request: 'help' }), 'done'], { agents: { helper } })
    expect(await step('go')).toMatchObject({ value: 'done', report: { usage: { inputTokens: 30 } } })
    expect(resultsIn(model, 1)[0]).toMatch(/helped/)
  })
})

/** Every call has exactly one result, after it and before the next message of a user or model. */
function problemOf(prompt: readonly LanguageModelV4Message[]): string | undefined {
  const open = new Set<string>()
  for (const { role, content } of prompt) {
    if ((role === 'user' || role === 'assistant') && open.size > 0)
      return `no result before a ${role} message: ${[...open]}`
    if (typeof content === 'string') continue
    for (const part of content) {
      if (part.type === 'tool-call') {
        if (open.has(part.toolCallId)) return `the call ${part.toolCallId} twice`
        open.add(part.toolCallId)
      }
      if (part.type === 'tool-result' && !open.delete(part.toolCallId))
        return `a result without its call: ${part.toolCallId}`
    }
  }
  return open.size > 0 ? `no result at the end: ${[...open]}` : undefined
}

const usage = { inputTokens: { total: 10 }, outputTokens: { total: 5 } }
const complete = '{"q":"what is it","deep":[1,{"x":"ü"}]}'
const toolCall = (input: unknown, toolCallId: unknown = 'c', toolName: unknown = 'look') => ({
  type: 'tool-call',
  toolCallId,
  toolName,
  input,
})
/** What a provider's `doGenerate` gives in its first answer, by class. */
const malformed: Readonly<Record<string, readonly unknown[]>> = {
  'arguments cut at every byte': Array.from({ length: complete.length }, (_, i) => ({
    content: [toolCall(complete.slice(0, i))],
  })),
  'arguments of the wrong type': [
    1,
    null,
    true,
    [],
    {},
    { q: 5 },
    '5',
    '"text"',
    '[]',
    'null',
    '{"q":null}',
    '{"q":5}',
  ].map((input) => ({ content: [toolCall(input)] })),
  'names that are none': ['', 'lok', '__proto__', 'constructor', 'LOOK', 'x'.repeat(10_000), null, 7].map((name) => ({
    content: [toolCall(complete, 'c', name)],
  })),
  'ids that are none': [
    [toolCall(complete, 'same'), toolCall(complete, 'same'), toolCall(complete, 'same')],
    [toolCall(complete, ''), toolCall(complete, '')],
    [toolCall(complete, null), toolCall(complete, 5)],
    [toolCall(complete, 'a\ud800'), toolCall(complete, 'same-2'), toolCall(complete, 'same')],
  ].map((content) => ({ content })),
  'usage that is none': [
    undefined,
    null,
    {},
    { inputTokens: { total: -5 } },
    { inputTokens: 5 },
    { outputTokens: { total: 'many' } },
    { inputTokens: { total: 1e308 } },
  ].map((broken) => ({ content: [toolCall(complete)], usage: broken })),
  'content that is none': [
    undefined,
    null,
    'text',
    {},
    7,
    [null],
    [{}],
    [{ type: 'text' }],
    [{ type: 'text', text: 7 }],
    [{ type: 'wonder' }],
    [],
  ].map((content) => ({ content })),
  'answers that are none': [undefined, null, 'text', 7, []],
  'reasons that are none': [undefined, null, 'stop', {}, { unified: 'whatever' }].map((finishReason) => ({
    content: [toolCall(complete)],
    finishReason,
  })),
  'texts of all kinds': [
    '\ud800',
    '\0',
    ' '.repeat(1_000),
    'x'.repeat(1_000_000),
    '{"tool":"look"}',
    '<tool_call>look</tool_call>',
  ].map((text) => ({ content: [{ type: 'text', text }] })),
}

function broken(first: unknown): LanguageModelV4 & { readonly calls: LanguageModelV4CallOptions[] } {
  const calls: LanguageModelV4CallOptions[] = []
  const fine = {
    content: [{ type: 'text', text: 'done' }],
    finishReason: { unified: 'stop', raw: undefined },
    usage,
    warnings: [],
  }
  const answer = async (options: LanguageModelV4CallOptions) => {
    const isObject = typeof first === 'object' && first !== null && !Array.isArray(first)
    return (
      calls.push(options) > 1
        ? fine
        : isObject
          ? { finishReason: fine.finishReason, usage, warnings: [], ...first }
          : first
    ) as never
  }
  return {
    specificationVersion: 'v4',
    provider: 'broken',
    modelId: 'm',
    supportedUrls: {},
    calls,
    doGenerate: answer,
    doStream: answer,
  }
}

for (const [name, answers] of Object.entries(malformed))
  it(`A step with ${name} ends each of ${answers.length} answers of a model in a typed outcome, with a valid history.`, async () => {
    for (const first of answers) {
      const model = broken(first)
      const { step, stored } = stage([], { model, tools: { look: look() } })
      const outcome = await step('go').catch((error: unknown) => error)
      const shown = JSON.stringify(first)?.slice(0, 200)
      if (outcome instanceof Error) expect(outcome, shown).toBeInstanceOf(TroupeError)
      else expect(outcome, shown).toMatchObject({ kind: 'value' })
      for (const { prompt } of model.calls) expect(problemOf(prompt), shown).toBeUndefined()
      expect(problemOf(stored as never), shown).toBeUndefined()
    }
  })

import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { EventFields } from '../../core/index.ts'
import { defineAgent, defineTool, finish, handOff, invoke, type Json, LlmAgent, type Run } from '../../index.ts'
import { troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { MockModel } from '../../testing/index.ts'

const { ada, opened } = troupesOfTests()

const asker = defineAgent({ name: 'A', run: async (_, ctx) => finish(await ctx.ask({ text: '?' })) })
const asking = { agents: [asker], flows: ['Start -> A', 'A -> End', 'A -> User', 'User -> A'] }
const solo = (agent: LlmAgent) => ({
  agents: [agent],
  flows: [`Start -> ${agent.name}`, `${agent.name} -> End`],
})
const pay = defineTool({
  name: 'pay',
  description: 'Pays.',
  inputSchema: z.object({ amount: z.number() }),
  effect: 'at-most-once',
  needsApproval: true,
  execute: async () => 'paid',
})

describe('answers to a run', () => {
  it('Run.answer drops undefined fields of an answer, and rejects values that JSON cannot represent.', async () => {
    const { orchestra } = await ada()
    const run = await orchestra.start({ task: 't', topology: asking })
    const [question] = (await run.result()).questions
    const answer = (value: unknown) => run.answer(question?.id ?? '', value as Json)
    for (const value of [undefined, Number.NaN, () => 1, { deep: { wrong: undefined } }])
      await expect(answer(value)).rejects.toMatchObject({ code: 'json.unsupported' })
    await answer({ colour: 'red', reason: undefined })
    expect((await run.result()).response).toEqual({ colour: 'red' })
  })

  it('Run.answer reaches runs whose ids contain slashes and other special characters.', async () => {
    const { orchestra } = await ada()
    for (const id of ['a/b', 'a%2Fb', '../x', 'é/ü']) {
      const run = await orchestra.start({ id, task: 't', topology: asking })
      const [question] = (await run.result()).questions
      await run.answer(question?.id ?? '', id)
      expect((await run.result()).response).toBe(id)
    }
  })
})

it('Every event names its run, its user, its trace and the path of agents that led to it.', async () => {
  const troupe = await opened()
  const { orchestra } = troupe.user('ada')
  const a = defineAgent({ name: 'A', run: async () => handOff('B', 1) })
  const b = defineAgent({
    name: 'B',
    run: async (input: Json) => (input === 1 ? invoke([{ agent: 'C', input }]) : finish(2)),
  })
  const c = defineAgent({ name: 'C', run: async () => 3 })
  const announced: (readonly [type: string, path: unknown, trace: unknown])[] = []
  troupe.on('*', ({ type, path, trace, seq }: EventFields) => seq && announced.push([type, path, trace]))
  const flows = ['Start -> A', 'A -> B', 'B <-> C', 'B -> End']
  const run = await orchestra.start({ task: 't', topology: { agents: [a, b, c], flows } })
  const traces = new Set<string>()
  const emitted: typeof announced = []
  const paths: string[] = []
  for await (const event of run.events()) {
    expect(event).toMatchObject({ run: run.id, user: 'ada' })
    traces.add(event.trace)
    emitted.push([event.type, event.path, event.trace])
    if (event.type === 'step.completed') paths.push(event.path.join('/'))
  }
  expect([...traces]).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)])
  expect(paths).toEqual(['A', 'B', 'B/C', 'B'])
  expect(announced).toEqual(emitted)
  const after: string[] = []
  for await (const event of run.events({ from: emitted.length - 2 })) after.push(event.path.join('/'))
  expect(after).toEqual(emitted.slice(-2).map(([, path]) => (path as string[]).join('/')))
})

it('An approval in a nested helper names that helper and its tool call.', async () => {
  const { orchestra } = await ada()
  const call = { text: '', toolCalls: [{ name: 'pay', args: { amount: 5 } }] }
  const leaf = new LlmAgent({ name: 'Leaf', model: new MockModel({ responses: [call, 'done'] }), tools: { pay } })
  const ask = (name: string) => ({ text: '', toolCalls: [{ name, args: { request: 'pay' } }] })
  const chief = new LlmAgent({
    name: 'Chief',
    model: new MockModel({ responses: [ask('leaf'), 'ok'] }),
    agents: { leaf },
  })
  const boss = new LlmAgent({
    name: 'Boss',
    model: new MockModel({ responses: [ask('chief'), 'end'] }),
    agents: { chief },
  })
  const run = await orchestra.start({ task: 't', topology: solo(boss) })
  const [question] = (await run.result()).questions
  expect(question).toMatchObject({ kind: 'approval', agent: 'Leaf', tool: 'pay', args: { amount: 5 } })
  await run.answer(question?.id ?? '', { approve: true, hash: question?.hash ?? '' })
  expect((await run.result()).response).toBe('end')
})

describe('the live parts of a run', () => {
  const look = defineTool({
    name: 'look',
    description: 'Looks.',
    inputSchema: z.object({ q: z.string() }),
    effect: 'read',
    execute: async () => 'seen',
  })
  const partsOf = async (run: Run): Promise<string[]> => {
    const seen = new Set<string>()
    for await (const { part } of run.live()) seen.add((part as { type: string }).type)
    return [...seen].sort()
  }
  it.each([
    [{}, ['text-delta', 'tool-call', 'tool-result']],
    [{ showToolCalls: false }, ['text-delta']],
    [{ verbosity: 'quiet' as const }, []],
    [{ verbosity: 'quiet' as const, showToolCalls: true }, ['tool-call', 'tool-result']],
    [{ verbosity: 'verbose' as const }, ['reasoning', 'text-delta', 'tool-call', 'tool-result']],
    [{ verbosity: 'quiet' as const, showAgentThoughts: true }, ['reasoning']],
  ])('The live parts of a run follow the config %j.', async (config, expected) => {
    const { orchestra } = await ada()
    const responses = [
      { reasoning: 'I look first.', toolCalls: [{ name: 'look', args: { q: 'x' } }], latency: '50ms' as const },
      'it is so',
    ]
    const agent = new LlmAgent({ name: 'A', model: new MockModel({ responses }), tools: { look } })
    expect(await partsOf(await orchestra.start({ task: 't', topology: solo(agent), config }))).toEqual(expected)
  })

  it('The live parts of a run end for a reader whose signal aborts, and for no other reader.', async () => {
    const { orchestra } = await ada()
    const run = await orchestra.start({ task: 't', topology: asking })
    const ended: string[] = []
    const read = async (name: string, live: AsyncIterable<unknown>) => {
      for await (const _ of live);
      ended.push(name)
    }
    const stop = new AbortController()
    const reads = [read('stops', run.live({ signal: stop.signal })), read('stays', run.live())]
    const [question] = (await run.result()).questions
    stop.abort()
    await reads[0]
    await orchestra.get(run.id)
    expect(ended).toEqual(['stops'])
    await run.answer(question?.id ?? '', 'yes')
    await reads[1]
  })

  it('The live parts of a run end at once if they are read after the run has ended.', async () => {
    const { orchestra } = await ada()
    const run = await orchestra.start({ task: 't', topology: asking })
    const signal = AbortSignal.timeout(60_000)
    const live = run.live({ signal })
    await run.cancel()
    for await (const part of live) expect(part).toBeUndefined()
    expect(signal.aborted).toBe(false)
  })
})

it('The usage of a step counts even if a budget rejects its next model call.', async () => {
  const { orchestra } = await ada()
  const look = defineTool({
    name: 'look',
    description: 'Looks.',
    inputSchema: z.object({ q: z.number() }),
    effect: 'read',
    execute: async ({ q }) => q,
  })
  const responses = Array.from({ length: 50 }, (_, q) => ({
    text: '',
    toolCalls: [{ name: 'look', args: { q } }],
    usage: { inputTokens: 80, outputTokens: 20 },
  }))
  const model = new MockModel({ responses })
  const agent = new LlmAgent({ name: 'A', model, tools: { look }, settings: { maxOutputTokens: 20 } })
  const run = await orchestra.start({ task: 't', topology: solo(agent), config: { budget: { tokens: 600 } } })
  const { guard, usage } = await run.result()
  expect(guard?.name).toBe('tokens')
  expect(usage).toEqual({ inputTokens: model.calls.length * 80, outputTokens: model.calls.length * 20 })
  expect(model.calls.length).toBeGreaterThan(0)
})

it('A foreign error is routed by its own code in `onError`.', async () => {
  const { orchestra } = await ada()
  const agent = defineAgent({
    name: 'A',
    run: async () => {
      throw Object.assign(new Error('no way there'), { code: 'ECONNRESET' })
    },
  })
  const run = await orchestra.start({
    task: 't',
    topology: { agents: [agent], flows: ['Start -> A', 'A -> End'] },
    config: { onError: { ECONNRESET: { value: 'offline' }, '*': { value: 'other' } } },
  })
  expect((await run.result()).response).toBe('offline')
})

/** A budget of tokens bounds the answer of the next model call. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LanguageModelV4StreamPart } from '@ai-sdk/provider'
import { expect, it, vi } from 'vitest'
import { z } from 'zod'
import { createTroupe, defineAgent, defineTool, invoke, LlmAgent, type LlmAgentOptions } from '../../../index.ts'
import { BoundedModels } from '../../../models/bounded-models.ts'
import { solo, troupesOfTests } from '../../../startup/troupe-testbed.test.fixture.ts'
import { type MockItem, MockModel } from '../../../testing/index.ts'

const { ada, opened, closeAll } = troupesOfTests()
const look = defineTool({
  name: 'look',
  description: 'Looks.',
  inputSchema: z.object({ q: z.number() }),
  effect: 'read',
  execute: async ({ q }) => q,
})
const looking: MockItem = {
  text: '',
  toolCalls: [{ name: 'look', args: { q: 1 } }],
  usage: { inputTokens: 100, outputTokens: 200 },
}
function talker(settings: LlmAgentOptions['settings'] = {}) {
  const model = new MockModel({ responses: [looking, 'done'] })
  const agent = new LlmAgent({ name: 'Talker', model, tools: { look }, settings })
  return { agent, bounds: () => model.calls.map((call) => call.maxOutputTokens) }
}

it('A run with a token budget asks a model for no more output than the budget has left beside the prompt.', async () => {
  const { orchestra } = await ada()
  const { agent, bounds } = talker()
  const config = { budget: { tokens: 9_000 } }
  const run = await orchestra.start({ task: 't', topology: solo(agent), config })
  expect((await run.result()).status).toBe('completed')
  const [first = 0, second = 0] = bounds()
  expect(first).toBeGreaterThan(8_000)
  expect(first).toBeLessThan(9_000)
  expect(second).toBeLessThan(Math.min(first, 8_700))
})

it('A lower output limit of the agent stays, and a budget without tokens sets no limit.', async () => {
  const { orchestra } = await ada()
  const boundsOf = async (settings: LlmAgentOptions['settings'], budget: object) => {
    const { agent, bounds } = talker(settings)
    await (await orchestra.start({ task: 't', topology: solo(agent), config: { budget } })).result()
    return bounds()
  }
  expect(await boundsOf({ maxOutputTokens: 50 }, { tokens: 9_000 })).toEqual([50, 50])
  expect(await boundsOf({ maxOutputTokens: 50 }, { tokens: 1_000_000 })).toEqual([50, 50])
  const [first = 0, second = 0] = await boundsOf({}, { tokens: 1_000_000 })
  expect([first, second]).toEqual([expect.closeTo(999_000, -4), expect.closeTo(999_000, -4)])
  expect(await boundsOf({}, { cost: 1 })).toEqual([undefined, undefined])
})

/** A model that can answer 64,000 tokens, and rejects a call that asks for more. */
function strictModel() {
  const asked: (number | undefined)[] = []
  const call = async ({ maxOutputTokens }: { readonly maxOutputTokens?: number | undefined }) => {
    asked.push(maxOutputTokens)
    if ((maxOutputTokens ?? 0) <= 64_000) return 'answered'
    const message = `Invalid max_output_tokens: ${maxOutputTokens} > 64000, the maximum of this model`
    throw Object.assign(new Error(message), { statusCode: 400 })
  }
  return { model: { doGenerate: call, doStream: call } as never, asked }
}

it('A model that rejects a bound as more than it can answer is asked again without one, and later for half of it at most.', async () => {
  const { model, asked } = strictModel()
  const models = new BoundedModels()
  const ask = (left: number) => models.bounded(model, left).doGenerate({ prompt: [] })
  expect(await ask(300_000)).toBe('answered')
  expect(await ask(299_000)).toBe('answered')
  expect(await models.bounded(model, 140_000).doStream({ prompt: [] })).toBe('answered')
  expect(await ask(64_000)).toBe('answered')
  expect(asked).toEqual([300_000, undefined, undefined, 140_000, undefined, 64_000])
})

it('An own limit above the budget is lowered to it, and its rejection is an error.', async () => {
  const { model, asked } = strictModel()
  const ask = (left: number, maxOutputTokens: number) =>
    new BoundedModels().bounded(model, left).doGenerate({ prompt: [], maxOutputTokens })
  expect(await ask(50_000, 60_000)).toBe('answered')
  await expect(ask(90_000, 100_000)).rejects.toThrow('Invalid max_output_tokens')
  expect(asked).toEqual([50_000, 90_000])
})

it('Other errors of a bounded call are not tried again.', async () => {
  const errors = [
    { statusCode: 400, message: 'the prompt is too long' },
    { statusCode: 500, message: 'max_tokens' },
  ]
  let calls = 0
  for (const error of errors) {
    const fails = async () => {
      calls++
      throw Object.assign(new Error(error.message), error)
    }
    const model = { doGenerate: fails, doStream: fails } as never
    await expect(new BoundedModels().bounded(model, 20_000).doGenerate({ prompt: [] })).rejects.toThrow(error.message)
  }
  expect(calls).toBe(2)
})

it('The smallest budget in the tree of runs bounds the output of a model call in a child run.', async () => {
  const { orchestra } = await ada()
  const { agent, bounds } = talker()
  const starts = defineAgent({
    name: 'Starts',
    run: async (_, ctx) => {
      const child = await ctx.startRun({ task: 't', topology: solo(agent), config: { budget: { tokens: 12_000 } } })
      return (await child.result()).status
    },
  })
  const config = { budget: { tokens: 5_000 } }
  const run = await orchestra.start({ task: 't', topology: solo(starts), config })
  expect((await run.result()).response).toBe('completed')
  expect(bounds()[0]).toBeGreaterThan(4_000)
  expect(bounds()[0]).toBeLessThan(5_000)
})

it('A model call that another process repeats asks for the same output limit.', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-bounds-'))
  const storage = `sqlite:${join(folder, 'troupe.db')}`
  const bounds: unknown[] = []
  const model = new MockModel({ responses: ['done'] })
  const { doGenerate, doStream } = model
  const hangs = <Options extends { readonly maxOutputTokens?: number | undefined }, Out>(
    answer: (options: Options) => PromiseLike<Out>,
  ) =>
    async function (this: unknown, options: Options): Promise<Out> {
      bounds.push(options.maxOutputTokens)
      return bounds.length === 1 ? new Promise<never>(() => {}) : answer.call(model, options)
    }
  model.doGenerate = hangs(doGenerate)
  model.doStream = hangs(doStream)
  const agent = new LlmAgent({ name: 'Talker', model })
  const first = await opened({ storage, agents: [agent] })
  const config = { budget: { tokens: 9_000 } }
  const run = await first.user('ada').orchestra.start({ task: 't', topology: solo(agent), config })
  await vi.waitFor(() => expect(bounds).toHaveLength(1), { timeout: 60_000 })
  await closeAll()
  const second = (await opened({ storage, agents: [agent] })).user('ada')
  expect((await (await second.orchestra.get(run.id)).result()).status).toBe('completed')
  expect(bounds).toEqual([expect.any(Number), bounds[0]])
  await closeAll()
  rmSync(folder, { recursive: true, force: true })
})

it('A recording does not tell model calls apart by the budget that was left.', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-bounds-'))
  const path = join(folder, 'tape.jsonl')
  const play = async (mode: 'record' | 'replay', tokens: number) => {
    await using troupe = await createTroupe({ storage: 'memory:', log: 'silent', cassette: { path, mode } })
    const { agent, bounds } = talker()
    const { orchestra } = troupe.user('ada')
    const run = await orchestra.start({ task: 't', topology: solo(agent), config: { budget: { tokens } } })
    return { status: (await run.result()).status, bounds: bounds() }
  }
  const recorded = await play('record', 9_000)
  expect(recorded).toEqual({ status: 'completed', bounds: [expect.any(Number), expect.any(Number)] })
  expect(readFileSync(path, 'utf8')).not.toContain('maxOutputTokens')
  expect(await play('replay', 7_000)).toEqual({ status: 'completed', bounds: [] })
  rmSync(folder, { recursive: true, force: true })
})

it('The model cache does not tell prompts apart by the budget that was left.', async () => {
  const { orchestra } = await ada()
  const model = new MockModel({ responses: ['done'] })
  const agent = new LlmAgent({ name: 'Talker', model, settings: { cache: true } })
  for (const tokens of [9_000, 7_000]) {
    const run = await orchestra.start({ task: 't', topology: solo(agent), config: { budget: { tokens } } })
    expect((await run.result()).response).toBe('done')
  }
  expect(model.calls).toHaveLength(1)
})

it('The model cache does not store an answer that a budget cut short.', async () => {
  const { orchestra } = await ada()
  const model = new MockModel({ responses: ['do', 'done'] })
  const { doGenerate, doStream } = model
  const cut = { unified: 'length', raw: undefined } as const
  const isCut = () => model.calls.length === 1
  model.doGenerate = async (options) => {
    const answer = await doGenerate.call(model, options)
    return isCut() ? { ...answer, finishReason: cut } : answer
  }
  model.doStream = async (options) => {
    const { stream } = await doStream.call(model, options)
    const shown: LanguageModelV4StreamPart[] = []
    for await (const part of stream)
      shown.push(part.type === 'finish' && isCut() ? { ...part, finishReason: cut } : part)
    return { stream: ReadableStream.from(shown) as typeof stream }
  }
  const agent = new LlmAgent({ name: 'Talker', model, settings: { cache: true } })
  const responses: unknown[] = []
  for (const tokens of [2_000, 9_000, 9_000]) {
    const run = await orchestra.start({ task: 't', topology: solo(agent), config: { budget: { tokens } } })
    responses.push((await run.result()).response)
  }
  expect(responses).toEqual(['do', 'done', 'done'])
})

it('Parallel calls that reserve more than the budget has left fail with a message that names the reservations.', async () => {
  const { orchestra } = await ada()
  const names = ['A', 'B', 'C', 'D', 'E', 'F']
  const workers = names.map((name) => {
    const model = new MockModel({ responses: [{ text: name, latency: '1h' }] })
    return new LlmAgent({ name, model, settings: { maxOutputTokens: 100 } })
  })
  const hub = defineAgent({ name: 'Hub', run: async () => invoke(names.map((agent) => ({ agent, input: 'work' }))) })
  const flows = ['Start -> Hub', ...names.map((name) => `Hub <-> ${name}`), 'Hub -> End']
  const topology = { agents: [hub, ...workers], flows }
  const run = await orchestra.start({ task: 't', topology, config: { budget: { tokens: 550 } } })
  const { guard, error } = await run.result()
  expect(guard).toMatchObject({ name: 'tokens', limit: 550, used: 0 })
  expect(error?.message).toMatch(/0 of 550 used, the next call needs \d+, and steps in progress hold the rest/)
})

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { testStorages } from '../../test/postgres/test-databases.ts'
import type { PostgresStorageConfig } from '../config-types.ts'
import { AgentPool, defineAgent, defineTool, LlmAgent, patterns } from '../index.ts'
import { MetricsCollector } from '../operations.ts'
import {
  AgentTestCase,
  executeTestWorkflow,
  MockModel,
  ScriptedToolHandler,
  simulate,
  storageConformance,
} from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-fake-timers-'))
const [, server] = await testStorages('fake_timers')
const storages = [
  'memory:',
  `sqlite:${join(folder, 'troupe.db')}`,
  ...(server ? [server as PostgresStorageConfig] : []),
]

const member = (name: string) => new LlmAgent({ name, model: 'openai/gpt-5' })
const team = () =>
  patterns.hubAndSpoke({
    hub: member('Coordinator'),
    spokes: [member('Researcher1'), member('Researcher2')],
    parallelSpokes: true,
  })
const both = ['Researcher1', 'Researcher2'].map((agent_name) => ({ agent_name, request: 'Look it up.' }))
const responsesByAgent = {
  Coordinator: [
    { toolCalls: [{ name: 'invoke_agent', args: { invocations: both } }] },
    { toolCalls: [{ name: 'finish', args: { answer: 'Qubits are fragile.' } }] },
  ],
  Researcher1: ['one'],
  Researcher2: ['two'],
}

describe('executeTestWorkflow', () => {
  it('executeTestWorkflow executes a team on scripted models alone, and returns the result and the prompts.', async () => {
    const result = await executeTestWorkflow({
      task: 'Quantum computing',
      topology: team(),
      mockResponses: responsesByAgent,
    })
    expect(result).toMatchObject({ status: 'completed', success: true, response: 'Qubits are fragile.' })
    expect(result.totalSteps).toBeGreaterThanOrEqual(3)
    expect(result.branchResults.every(({ success }) => success)).toBe(true)
    expect(JSON.stringify(result.models.Researcher1?.calls[0]?.prompt)).toMatch(/Look it up/)
  })

  it('executeTestWorkflow fails for unused responses, unscripted calls and unknown agents.', async () => {
    const run = (mockResponses: object) =>
      executeTestWorkflow({ task: 'x', topology: team(), mockResponses: mockResponses as never })
    await expect(run({ ...responsesByAgent, Researcher1: ['one', 'more'] })).rejects.toThrow(
      /Researcher1.*1 of its responses/,
    )
    const { Researcher2: _, ...less } = responsesByAgent
    await expect(run(less)).rejects.toThrow(/of Coordinator, 1 of its.*of Researcher2, 1 calls came/)
    await expect(run({ ...responsesByAgent, Reseacher1: [] })).rejects.toThrow(/did you mean Researcher1/)
    const topology = patterns.pipeline({ stages: [{ agents: [defineAgent({ name: 'F', run: () => 1 })] }] })
    expect(await executeTestWorkflow({ task: 'x', topology })).toMatchObject({ success: true, models: {} })
  })
})

describe('agents that call others', () => {
  const helper = member('Helper')
  const lead = new LlmAgent({ name: 'Lead', model: 'openai/gpt-5', agents: { helper } })
  const asking = [{ toolCalls: [{ name: 'helper', args: { request: 'Look it up.' } }] }, 'done']
  const asked = (models: Readonly<Record<string, MockModel>>) =>
    Object.entries(models).map(([name, { calls }]) => [name, calls.length])

  it('executeTestWorkflow scripts helpers of agents and agents of pools, and calls no real model for them.', async () => {
    const pool = new AgentPool({ name: 'Leads', agent: lead, size: 2 })
    for (const agent of [lead, pool]) {
      const topology = patterns.pipeline({ stages: [{ agents: [agent] }] })
      const mockResponses = { Lead: asking, Helper: ['found'] }
      const result = await executeTestWorkflow({ task: 'x', topology, mockResponses })
      expect(result).toMatchObject({ success: true, response: 'done' })
      expect(asked(result.models)).toEqual([
        ['Lead', 2],
        ['Helper', 1],
      ])
      const unscripted = executeTestWorkflow({ task: 'x', topology, mockResponses: { Lead: asking } })
      await expect(unscripted).rejects.toThrow(/of Helper, 1 calls came/)
    }
  })

  it('AgentTestCase fails for a helper that is not on a script, and verifies one that is.', async () => {
    const test = await AgentTestCase.open()
    await test.run(test.mock(lead, asking), 'x')
    await expect(test.close()).rejects.toThrow(/1 calls came/)
    await using other = await AgentTestCase.open()
    const scripted = lead.with({ agents: { helper: other.mock(helper, ['found']) } })
    expect(await other.run(other.mock(scripted, asking), 'x')).toMatchObject({ response: 'done' })
  })
})

describe('fake timers', () => {
  afterEach(() => {
    vi.useRealTimers()
  })
  it('executeTestWorkflow and AgentTestCase execute agents under fake timers of the test.', async () => {
    vi.useFakeTimers()
    const topology = patterns.pipeline({ stages: [{ agents: [member('A')] }] })
    expect(await executeTestWorkflow({ task: 'x', topology, mockResponses: { A: ['ok'] } })).toMatchObject({
      response: 'ok',
    })
    await using test = await AgentTestCase.open()
    expect(await test.run(test.mock(member('A'), ['ok']), 'x')).toMatchObject({ response: 'ok' })
  })
})

describe('fake timers as those of Jest', () => {
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  afterEach(() => {
    vi.useRealTimers()
  })
  it.each(storages)('Teams run on %j if fake timers replace microtasks and immediates.', async (storage) => {
    vi.useFakeTimers({ toFake: ['setImmediate', 'queueMicrotask'] })
    const topology = patterns.pipeline({ stages: [{ agents: [member('A')] }] })
    await using test = await AgentTestCase.open({ storage })
    expect(await test.run(test.mock(member('A'), ['ok']), 'x')).toMatchObject({ response: 'ok' })
    const pushes = ['a', 'b', 'c', 'd'].map((key) => test.user.context.push(key, 1))
    expect(await Promise.all(pushes)).toHaveLength(4)
    expect(await executeTestWorkflow({ task: 'x', topology, mockResponses: { A: ['ok'] } })).toMatchObject({
      response: 'ok',
    })
  })
})

describe('an AgentTestCase', () => {
  it('AgentTestCase executes agents on scripts, and verifies the scripts when it closes.', async () => {
    const test = await AgentTestCase.open()
    const agent = test.mock(member('TestResearcher'), ['Research result 1', 'Research result 2'])
    const result = await test.run(agent, 'Research AI trends')
    expect(result.success && result.response).toBe('Research result 1')
    await expect(test.close()).rejects.toThrow(/1 of its responses/)
    await using other = await AgentTestCase.open()
    expect(await other.run(other.mock(member('T'), [new Error('down')]), 'x')).toMatchObject({ success: false })
  })
})

describe('a ScriptedToolHandler', () => {
  it('ScriptedToolHandler answers as scripted, records its calls, and reports missing and unused answers.', async () => {
    const tools = new ScriptedToolHandler({
      get_context: { success: true, value: 3 },
      push_context: [{ success: true }, { success: false, error: 'no', code: 'access.denied' }],
      list: (args, call) => ({ success: true, args, call }),
    })
    expect(await tools.call('get_context', { key: 'a' })).toEqual({ success: true, value: 3 })
    expect(await tools.call('push_context', { key: 'a', value: 4 })).toEqual({ success: true })
    tools.assertCalledWith('push_context', { value: 4, key: 'a' })
    expect(() => tools.assertCalledWith('push_context', { key: 'b' })).toThrow(/"key":"b".*"key":"a"/)
    expect(() => tools.verify()).toThrow(/push_context was not called for 1 of its results; list was never called/)
    await tools.call('push_context')
    expect(await tools.call('list', { n: 1 })).toEqual({ success: true, args: { n: 1 }, call: 4 })
    tools.verify()
    expect(await tools.call('push_context')).toMatchObject({
      success: false,
      code: 'tool.failed',
      error: 'The tool push_context failed: call 3 has no result, because its script has 2.',
    })
    expect(() => tools.verify()).toThrow(/push_context had no answer left/)
    expect(await tools.call('get_contxt')).toMatchObject({ success: false, code: 'tool.unknown' })
    expect(() => tools.verify()).toThrow(/get_contxt had no answer/)
    expect(tools.definitions().map(({ name }) => name)).toEqual(['get_context', 'push_context', 'list'])
  })
})

describe('a MockModel', () => {
  const ask = (model: MockModel, text: string) =>
    new LlmAgent({
      name: 'A',
      model,
      tools: [defineTool({ name: 'look', description: 'Looks.', inputSchema: z.object({}), execute: () => 'seen' })],
    }).chat(text)

  it('MockModel answers by matcher, by function and in order, and rejects unknown fields.', async () => {
    const model = new MockModel({
      responses: [
        { match: /weather/, text: 'rain' },
        { match: 'seen', text: 'I saw it' },
        { toolCalls: [{ name: 'look' }] },
        (options, call) => `call ${call} of ${options.prompt.length} messages`,
      ],
    })
    expect(await ask(model, 'Look!')).toBe('I saw it')
    expect(await ask(model, 'The weather?')).toBe('rain')
    expect(await ask(model, 'Else?')).toBe('call 4 of 1 messages')
    model.verify()
    await expect(ask(model, 'More?')).rejects.toThrow(/no response for call 5/)
    expect(() => model.verify()).toThrow(/1 calls came/)
    expect(() => new MockModel({ responses: [{ tool_calls: [] } as never] })).toThrow(/tool_calls/)
    expect(() => new MockModel({ responses: [{ text: 'x', reasoning: 5 } as never] })).toThrow(/reasoning/)
    expect(() => new MockModel({ respnses: [] } as never)).toThrow(/respnses/)
  })
  it('MockModel answers by a pattern with the flag g at each call.', async () => {
    const model = new MockModel({ responses: [{ match: /weather/g, text: 'rain' }] })
    expect(await ask(model, 'The weather?')).toBe('rain')
    expect(await ask(model, 'The weather?')).toBe('rain')
  })
  it.each<[string | RegExp, string, boolean]>([
    ['say "hi"', 'Please say "hi" now.', true],
    ['first\nsecond', 'first\nsecond', true],
    ['C:\\temp', 'Look in C:\\temp.', true],
    [/^Look$/, 'Look', true],
    ['role', 'Hello', false],
    ['text', 'Hello', false],
  ])(
    'MockModel matches %j with the texts of a prompt and not with their JSON: %j gives %j.',
    async (match, text, isMatched) => {
      const model = new MockModel({ responses: [{ match, text: 'matched' }, 'else'] })
      expect(await ask(model, text)).toBe(isMatched ? 'matched' : 'else')
    },
  )
  it('MockModel matches the arguments and results of tools, as texts and as JSON.', async () => {
    for (const match of ['two\nlines', '"q":"two']) {
      const call = { toolCalls: [{ name: 'look', args: { q: 'two\nlines' } }] }
      const model = new MockModel({ responses: [{ match, text: 'matched' }, call, 'else'] })
      expect(await ask(model, 'Look!')).toBe('matched')
    }
  })
  it.each<[unknown, RegExp]>([
    [{ txt: 'x' }, /txt/],
    [{ text: 'x', match: 5 }, /its match is neither/],
    [{ text: 'x', latency: Number.NaN }, /its latency is NaN/],
    [{ text: 'x', usage: { inputTokens: -1 } }, /its inputTokens are -1/],
    [5, /must be an object/],
    [{ text: 5 }, /its text is not a text/],
    [() => 'x', /returned a function/],
  ])('MockModel names what is wrong with a response that a function returned: %j.', async (answer, problem) => {
    const model = new MockModel({ responses: [() => answer as string] })
    await expect(ask(model, 'Hello')).rejects.toThrow(problem)
  })
})

it('The functions for simulation and conformance reject invalid arguments by name.', async () => {
  const scenario = new URL('./none.scenario.ts', import.meta.url)
  const wrong = [
    [{}, /simulate\.scenario .* not a URL/],
    [{ scenario: './team.scenario.ts', seeds: 1 }, /simulate\.scenario .* not a URL/],
    [{ scenario, seeds: 1 }, /there is no file .*none\.scenario\.ts/],
    [{ scenario: new URL(import.meta.url) }, /simulate\.seeds/],
    [{ scenario: new URL(import.meta.url), seeds: 0 }, /simulate\.seeds/],
    [{ scenario: new URL(import.meta.url), seeds: 1, processes: Number.NaN }, /processes of simulate .* NaN/],
    [{ scenario: new URL(import.meta.url), seeds: 1, seedsPerProcess: 0 }, /seedsPerProcess of simulate .* 0/],
    [{ scenario: new URL(import.meta.url), seeds: 1, maxEvents: -1 }, /maxEvents of simulate .* -1/],
    [{ scenario: new URL(import.meta.url), seeds: 1, traceLines: 0.5 }, /traceLines of simulate .* 0\.5/],
    [{ scenario: new URL(import.meta.url), seeds: 1, faults: { rat: 1 } }, /simulate\.faults has no option rat\b/],
    [{ scenario: new URL(import.meta.url), seeds: 1, faults: { rate: 7 } }, /simulate\.faults\.rate .* 7/],
    [{ scenario: new URL(import.meta.url), seeds: 1, faults: { kinds: ['ful'] } }, /simulate\.faults\.kinds .* ful is/],
    [
      { scenario: new URL(import.meta.url), seeds: 1, options: new Map() },
      /simulate\.options holds an instance of Map/,
    ],
    [{ scenario: new URL(import.meta.url), seeds: 1, bail: 1 }, /simulate\.bail/],
    [{ scenario: new URL(import.meta.url), seeds: [] }, /simulate\.seeds .* empty/],
    [{ scenario: new URL(import.meta.url), seeds: ['a', 'a'] }, /simulate\.seeds .* a occurs twice/],
    [{ scenario: new URL(import.meta.url), seeds: [17] }, /A seed of simulate .* 17/],
    [{ scenario: new URL(import.meta.url), seeds: 1e9 }, /simulate\.seeds .* 1000000/],
  ] as const
  for (const [options, pattern] of wrong) await expect(simulate(options as never)).rejects.toThrow(pattern)
  expect(() => storageConformance(5 as never)).toThrow(/storageConformance .* must be a function/)
  const metrics = new MetricsCollector()
  metrics.increment('orders')
  expect(metrics.summary('orders').count).toBe(1)
  expect(() => new MetricsCollector({ clock: metrics } as never)).toThrow(/The clock of a MetricsCollector/)
})

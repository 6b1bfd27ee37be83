import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { systemClock as clock } from '../../core/index.ts'
import { LoadTester } from '../../resilience/index.ts'
import { MockModel } from '../../testing/index.ts'
import { defineTool } from '../../tools/index.ts'
import { EpisodicIndex } from '../memory/episodic-index.ts'
import { WorkingMemory } from '../memory/working-memory.ts'
import { openSessionTestbed } from '../session/session-testbed.test.fixture.ts'
import { AgentFactory } from './agent-factory.ts'
import { AgentPool } from './agent-pool.ts'
import { BaseLlmAgent } from './base-llm-agent.ts'
import { defineAgent } from './define-agent.ts'
import { defineRemoteAgent } from './remote-agent.ts'

const wrong = expect.objectContaining({ name: 'ValidationError' })
const model = new MockModel({ responses: [] })
const dated = defineAgent({ name: 'Dated', inputSchema: z.object({ due: z.coerce.date() }), run: () => 1 })
/** A schema of a library that provides no JSON Schema, such as zod 3. */
const opaque = { '~standard': { version: 1 as const, vendor: 'own', validate: (value: unknown) => ({ value }) } }

function* generate() {
  yield 1
}
async function* generateLater() {
  yield 1
}

describe('invalid definitions of agents', () => {
  it.each<[string, object]>([
    ['instructions', { instructions: 5 }],
    ['an output', { output: {} }],
    ['an output that no JSON Schema tells', { output: z.object({ due: z.coerce.date() }) }],
    ['a helper whose input no JSON Schema tells', { agents: { dated } }],
    ['an output of a library without JSON Schema', { output: opaque }],
    [
      'a helper whose input is of a library without JSON Schema',
      { agents: { helper: defineAgent({ name: 'Helper', inputSchema: opaque, run: () => 1 }) } },
    ],
    ['a model', { model: 5 }],
    ['an empty model', { model: '' }],
    ['a model object', { model: {} }],
    ['an unknown option of a model', { model: { url: 'http://127.0.0.1', model: 'm', apikey: 'k' } }],
    ['tools', { tools: 5 }],
    ['a tool', { tools: [5] }],
    ['agents', { agents: 'x' }],
    ['an agent by the name of a coordination tool', { agents: { finish: defineAgent({ name: 'A', run: () => 1 }) } }],
    ['settings', { settings: null }],
    ['a description', { description: 5 }],
    ['a role', { role: 5 }],
  ])('An LlmAgent rejects invalid options: %s.', (_, more) => {
    expect(() => new BaseLlmAgent({ name: 'A', model, ...more } as never)).toThrow(wrong)
  })

  it.each<[string, unknown, string]>([
    ['an agent', dated, 'tools.Dated is an agent: name it in agents'],
    ['a name', 'look', 'tools.0 was not made by defineTool'],
    ['a bare function', () => 1, 'tools.0 was not made by defineTool'],
  ])('An LlmAgent says what is wrong with a list of tools that holds %s.', (_, item, problem) => {
    expect(() => new BaseLlmAgent({ name: 'A', model, tools: [item] } as never)).toThrow(
      `The definition of A is wrong: ${problem}.`,
    )
  })

  it('An LlmAgent rejects a tool that is added under the name of a helper.', () => {
    const look = defineTool({ name: 'look', description: 'd', inputSchema: z.object({}), execute: () => 1 })
    const agents = { look: defineAgent({ name: 'Looker', run: () => 1 }) }
    expect(() => new BaseLlmAgent({ name: 'A', model, agents }).addTool(look)).toThrow(wrong)
  })

  it.each<[string, object]>([
    ['an inputSchema', { inputSchema: {} }],
    ['an outputSchema', { outputSchema: 5 }],
    ['serve', { serve: 5 }],
    ['a generator function as run', { run: generate }],
    ['a generator function as serve', { serve: generateLater }],
    ['a description', { description: 5 }],
  ])('A function agent rejects invalid options: %s.', (_, more) => {
    expect(() => defineAgent({ name: 'A', run: () => 1, ...more } as never)).toThrow(wrong)
  })

  it.each<[string, object]>([
    ['an outputSchema', { outputSchema: {} }],
    ['an inputSchema that no JSON Schema tells', { inputSchema: z.object({ due: z.coerce.date() }) }],
    ['a timeout of nothing', { timeout: '0s' }],
    ['needsApproval', { needsApproval: 'yes' }],
    ['untrusted', { untrusted: 5 }],
    ['sensitive', { sensitive: {} }],
    ['capabilities', { capabilities: 'search' }],
    ['reconcile', { reconcile: 5 }],
    ['undo', { undo: 5 }],
    ['a generator function as execute', { execute: generateLater }],
    ['a generator function as undo', { effect: 'idempotent', undo: generate }],
    ['durable', { durable: 'yes' }],
  ])('A tool rejects invalid options: %s.', (_, more) => {
    const complete = { name: 't', description: 'd', inputSchema: z.object({}), execute: () => 1 }
    expect(() => defineTool({ ...complete, ...more } as never)).toThrow(wrong)
  })
})

it('A session rejects an input that is not text, an unknown option, and an aborted signal.', async () => {
  const { session } = await openSessionTestbed()
  const own = session(new BaseLlmAgent({ name: 'A', model: new MockModel({ responses: [] }) }))
  const calls = [
    () => own.chat(5 as never),
    () => own.generate('x', { signl: 1 } as never),
    () => own.run('x', { signl: 1 } as never),
    () => own.stream('x', { signl: 1 } as never).result,
    () => own.generate((() => 1) as never),
    () => own.chat('x', { signal: 'x' as never }),
    () => own.executeTool(5 as never, {}),
    () => own.sendMessage('B', 'x', { signl: 1 } as never),
    () => own.questions({ signl: 1 } as never),
  ]
  for (const call of calls) await expect(call(), String(call)).rejects.toThrow(wrong)
  const aborted = { signal: AbortSignal.abort() }
  const cancelled = expect.objectContaining({ name: 'CancelledError' })
  for (const call of [() => own.chat('x', aborted), () => own.sendMessage('B', 'x', aborted)])
    await expect(call()).rejects.toThrow(cancelled)
  expect(await own.run('x', aborted)).toMatchObject({ status: 'cancelled', success: false, text: '' })
})

describe('invalid calls of agent utilities', () => {
  it('A pool rejects invalid options and calls, and lends nothing for them.', async () => {
    const create = () => ({})
    expect(() => new AgentPool({ create: 5 as never, clock })).toThrow(wrong)
    expect(() => new AgentPool({ create, dispose: 5 as never, clock })).toThrow(wrong)
    await using pool = new AgentPool({ create, clock })
    await expect(pool.acquire({ kye: 'x' } as never)).rejects.toThrow(wrong)
    await expect(pool.use(5 as never)).rejects.toThrow(wrong)
    expect(pool.stats().inUse).toBe(0)
  })

  it('A factory rejects a config that is missing.', async () => {
    await expect(new AgentFactory().create(undefined as never)).rejects.toThrow(wrong)
  })

  it('A remote agent rejects an answerTimeout that is no duration, and a find or cancel that is no function.', () => {
    const port = { send: () => {}, answer: () => {} }
    expect(() => defineRemoteAgent({ name: 'R', port, answerTimeout: 'soon' } as never)).toThrow(/answerTimeout of R/)
    for (const call of ['find', 'cancel'])
      expect(() => defineRemoteAgent({ name: 'R', port: { ...port, [call]: 5 } } as never)).toThrow(wrong)
  })

  it('An agent with skills rejects a helper called read_skill.', () => {
    const skills = [{ name: 's', description: 'A skill.', instructions: 'x' }]
    expect(() => new BaseLlmAgent({ name: 'A', skills, agents: { read_skill: dated } })).toThrow(wrong)
  })

  it('A memory rejects a misspelt option and a query that is not a text.', async () => {
    expect(() => new WorkingMemory().add('x', { prioriy: 1 } as never)).toThrow(wrong)
    expect(() => new EpisodicIndex({ embed: 'words' } as never)).toThrow(wrong)
    await expect(new EpisodicIndex().retrieveSimilar(5 as never)).rejects.toThrow(wrong)
  })

  it('A load test rejects a value that is not a function.', () => {
    expect(() => new LoadTester(5 as never, { clock })).toThrow(wrong)
  })

  it('A mock model rejects invalid responses.', () => {
    for (const responses of [undefined, 'x', [5], [{}], [{ text: 5 }], [{ toolCalls: [{ nme: 'x' }] }]])
      expect(() => new MockModel({ responses } as never), JSON.stringify(responses)).toThrow(wrong)
  })

  it('A load test ends when its signal aborts.', async () => {
    const controller = new AbortController()
    let sent = 0
    const tester = new LoadTester(
      async () => {
        sent++
        controller.abort()
      },
      { clock },
    )
    const running = tester.run({ total: 100, concurrent: 2, signal: controller.signal })
    await expect(running).rejects.toThrow(expect.objectContaining({ name: 'CancelledError' }))
    expect(sent).toBeLessThan(5)
  })
})

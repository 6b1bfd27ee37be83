/** Models and agents that do what they should not, each with the budget that its run has. */
import { z } from 'zod'
import type { Agent, Json, RunConfig, StepContext, TopologyForm } from '../../../../src/index.ts'
import type { MockResponse } from '../../../../src/testing/index.ts'
import { harness } from '../../library-under-test.ts'
import { troupe } from '../../troupe-under-test.ts'

const { defineAgent, defineMessage, defineTool, finish, handOff, invoke, LlmAgent, patterns } = troupe

export interface HostileCase {
  readonly topology: TopologyForm
  readonly budget: NonNullable<RunConfig['budget']>
  readonly config?: RunConfig
}

/** The number of the call, from 1. */
type Answer = (call: number) => Partial<MockResponse> | Promise<Partial<MockResponse>>

const usage = { inputTokens: 100, outputTokens: 50 }
const never = () => new Promise<never>(() => {})
const call = (query: Json) => [{ name: 'look', args: { query } }]

const look = (execute: () => Promise<Json>) =>
  defineTool({
    name: 'look',
    description: 'Looks.',
    inputSchema: z.object({ query: z.any() }),
    effect: 'read',
    execute,
  })

function modelAgent(answer: Answer, result: () => Promise<Json> = async () => 'seen'): TopologyForm {
  let calls = 0
  const responses = Array.from({ length: 6_000 }, () => async () => {
    calls++
    return { usage, ...(await answer(calls)) }
  })
  const model = new harness.MockModel({ responses: responses as never })
  return alone(new LlmAgent({ name: 'Model', model, tools: { look: look(result) } as never }))
}
const alone = (agent: Agent) => patterns.pipeline({ stages: [{ agents: [agent] }] })
const code = (run: (input: Json, ctx: StepContext) => unknown, name = 'Code') =>
  defineAgent<Json, Json>({ name, run: run as never })
const returns = (value: () => unknown) => alone(code(value))

/** Two agents that invoke each other eightfold, for ever. */
function fanOut(): TopologyForm {
  const multiply = (name: string, other: string) =>
    code(() => invoke(Array.from({ length: 8 }, () => ({ agent: other, input: Math.random() }))), name)
  const first = multiply('First', 'Second')
  return patterns.mesh({ agents: [first, multiply('Second', 'First')], entry: first })
}
const pingPong = () =>
  patterns.swarm({
    agents: [code(() => handOff('Pong', Math.random()), 'Ping'), code(() => handOff('Ping', Math.random()), 'Pong')],
  })
const hub = (run: (input: Json) => unknown) =>
  patterns.hubAndSpoke({
    hub: code(run, 'Hub'),
    spokes: [code((input) => input, 'Spoke')],
    parallelSpokes: true,
  })

const Note = defineMessage<number>('note')
const endless = (act: (ctx: StepContext, n: number) => Promise<unknown>) =>
  returnsFrom(async (ctx) => {
    for (let n = 0; ; n++) await act(ctx, n)
  })
const returnsFrom = (run: (ctx: StepContext) => unknown) => alone(code((_, ctx) => run(ctx)))

function nestedRuns(): TopologyForm {
  const nested: Agent = code(async (_, ctx) => {
    const run = await ctx.startRun({ task: 1, topology: alone(nested) })
    return (await run.result()).response
  })
  return alone(nested)
}
function cyclic(): unknown {
  const value: Record<string, unknown> = {}
  value.itself = value
  return value
}
const deep = () => Array.from({ length: 50_000 }).reduce((value) => [value], 1 as unknown)
const throwing = (thrown: () => unknown) =>
  returns(() => {
    throw thrown()
  })

export const hostileCases: Readonly<Record<string, () => HostileCase>> = {
  'a model that always calls a tool': () => ({
    topology: modelAgent((n) => ({ toolCalls: call(n) })),
    budget: { steps: 20, tokens: 3_000, time: '10s' },
  }),
  'a model that always calls a tool, without a budget of tokens': () => ({
    topology: modelAgent((n) => ({ toolCalls: call(n) })),
    budget: { time: '15s' },
  }),
  'a model that repeats one call': () => ({
    topology: modelAgent(() => ({ toolCalls: call(1) })),
    budget: { time: '10s' },
  }),
  'a model that claims a huge usage': () => ({
    topology: modelAgent((n) => ({ toolCalls: call(n), usage: { inputTokens: 40_000, outputTokens: 40_000 } })),
    budget: { tokens: 10_000, time: '10s' },
  }),
  'a model that claims NaN and negative usage': () => ({
    topology: modelAgent((n) => ({
      toolCalls: call(n),
      usage: { inputTokens: n % 2 === 0 ? -1e9 : Number.NaN, outputTokens: -5 },
    })),
    budget: { tokens: 10_000, time: '10s' },
  }),
  'a model that answers with 20 MB': () => ({
    topology: modelAgent(() => ({ text: 'm'.repeat(20e6) })),
    budget: { time: '10s' },
  }),
  'a model that calls with 20 MB': () => ({
    topology: modelAgent((n) => ({ toolCalls: call('m'.repeat(20e6) + n) })),
    budget: { time: '10s' },
  }),
  'a tool that returns 6 MB each time': () => ({
    topology: modelAgent(
      (n) => ({ toolCalls: call(n) }),
      async () => 'z'.repeat(6e6),
    ),
    budget: { tokens: 20_000, time: '15s' },
  }),
  'a model with 20,000 calls in one answer': () => ({
    topology: modelAgent((n) => ({
      toolCalls: Array.from({ length: 20_000 }, (_, i) => call(`${n}.${i}`)[0]) as never,
    })),
    budget: { tokens: 5_000, time: '10s' },
  }),
  'a model that calls unknown tools': () => ({
    topology: modelAgent((n) => ({ toolCalls: [{ name: `unknown${n}`, args: {} }] })),
    budget: { tokens: 5_000, time: '10s' },
  }),
  'a tool that hangs': () => ({ topology: modelAgent((n) => ({ toolCalls: call(n) }), never), budget: { time: '2s' } }),
  'a model that hangs': () => ({ topology: modelAgent(never), budget: { time: '2s' } }),
  'a model that throws null': () => ({
    topology: modelAgent(() => {
      throw null
    }),
    budget: { time: '10s' },
  }),
  'a model that answers nonsense': () => ({
    topology: modelAgent(() => ({ toolCalls: [{ name: 'look', args: '{{{' as never }] })),
    budget: { tokens: 5_000, time: '10s' },
  }),
  'a model that answers with nothing': () => ({ topology: modelAgent(() => ({ text: '' })), budget: { time: '10s' } }),
  'agents that hand off to each other': () => ({ topology: pingPong(), budget: { hops: 30, time: '10s' } }),
  'agents that hand off to each other, without guards': () => ({
    topology: pingPong(),
    budget: { time: '10s' },
    config: { guards: { pingPong: false, noProgress: false } },
  }),
  'agents that multiply': () => ({ topology: fanOut(), budget: { steps: 100, time: '10s' } }),
  'agents that multiply, without a budget': () => ({ topology: fanOut(), budget: {} }),
  'an agent that invokes 20,000 at once': () => ({
    topology: hub(() => invoke(Array.from({ length: 20_000 }, (_, input) => ({ agent: 'Spoke', input })))),
    budget: { steps: 50, time: '10s' },
  }),
  'a hub that never ends': () => ({
    topology: hub(() => invoke([{ agent: 'Spoke', input: Math.random() }])),
    budget: { steps: 40, time: '10s' },
  }),
  'a hub that ends at once': () => ({ topology: hub(() => finish('done')), budget: { steps: 5 } }),
  'an agent that hangs': () => ({ topology: returns(never), budget: { time: '2s' } }),
  'an agent that hangs, with a timeout of its step': () => ({
    topology: returns(never),
    budget: { time: '30s' },
    config: { timeouts: { step: '1s', grace: '1s' } },
  }),
  'an agent that throws undefined': () => ({ topology: throwing(() => undefined), budget: { time: '5s' } }),
  'an agent that throws 20 MB': () => ({ topology: throwing(() => 'x'.repeat(2e7)), budget: { time: '5s' } }),
  'an agent that throws a proxy': () => ({
    topology: throwing(
      () =>
        new Proxy(
          {},
          {
            get() {
              throw new Error('a trap')
            },
          },
        ),
    ),
    budget: { time: '5s' },
  }),
  'an agent that returns a cycle': () => ({ topology: returns(cyclic), budget: { time: '5s' } }),
  'an agent that returns a BigInt': () => ({ topology: returns(() => 10n), budget: { time: '5s' } }),
  'an agent that returns a function': () => ({ topology: returns(() => () => 1), budget: { time: '5s' } }),
  'an agent that returns 50 MB': () => ({ topology: returns(() => 'x'.repeat(5e7)), budget: { time: '5s' } }),
  'an agent that returns 50,000 levels': () => ({ topology: returns(deep), budget: { time: '5s' } }),
  'an agent that floods the context': () => ({
    topology: endless((ctx, n) => ctx.context.push(`key.${n}`, 'v'.repeat(100))),
    budget: { time: '10s' },
  }),
  'an agent that floods a mailbox': () => ({
    topology: returnsFrom(async (ctx) => {
      for (let n = 0; n < 20_000; n++) await ctx.messages.send(Note, n, { to: 'Box' })
      return 1
    }),
    budget: { time: '20s' },
  }),
  'an agent with effects without end': () => ({
    topology: endless((ctx, n) => ctx.effect('effect', { class: 'at-most-once' }, async () => n)),
    budget: { time: '10s' },
  }),
  'an agent with commits without end': () => ({
    topology: endless(async (ctx, n) => {
      await ctx.context.push('key', n)
      await ctx.commit()
    }),
    budget: { time: '10s' },
  }),
  'child runs without end': () => ({ topology: nestedRuns(), budget: { steps: 40, time: '5s' } }),
  'code that writes after the end of its run': () => ({
    topology: returnsFrom(async (ctx) => {
      setTimeout(() => void ctx.context.push('late', 1).catch(() => {}), 1_500)
      return never()
    }),
    budget: { time: '300ms' },
  }),
}

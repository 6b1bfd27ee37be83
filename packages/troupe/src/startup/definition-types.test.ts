/** What the compiler knows of definitions; the lines with `@ts-expect-error` hold in the type check. */
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import {
  type Agent,
  createTroupe,
  defineAgent,
  defineConfig,
  defineMessage,
  defineTopology,
  finish,
  handOff,
  invoke,
  type Json,
  LlmAgent,
  patterns,
  type Results,
  type Run,
  type RunResult,
  type Schema,
  type Session,
  Worker,
} from '../index.ts'
import { serve } from '../server/index.ts'
import { AgentTestCase, MockModel } from '../testing/index.ts'
import { troupesOfTests } from './troupe-testbed.test.fixture.ts'

const { ada } = troupesOfTests()

const count = defineAgent({ name: 'Count', run: async (text: string) => text.length })
const shout = defineAgent({ name: 'Shout', run: async (text: string) => text.toUpperCase() })
const Price = z.object({ euros: z.number(), currency: z.enum(['EUR', 'USD']).default('EUR') })
const price = defineAgent({
  name: 'Price',
  inputSchema: z.object({ item: z.string(), count: z.number().default(1) }),
  outputSchema: Price,
  run: async ({ item, count: n }) => ({ euros: item.length * n, currency: 'EUR' }),
})

describe('the response of a run', () => {
  it('The response has the type of the output schema of the last agent.', async () => {
    const { orchestra } = await ada()
    const result = await orchestra.run({ task: { item: 'tea' }, agent: price })
    expectTypeOf(result.response).toEqualTypeOf<z.infer<typeof Price> | undefined>()
    expect(result.response?.euros).toBe(3)
    const model = new MockModel({ responses: ['{"euros":7}'] })
    const quote = new LlmAgent({ name: 'Quote', model, output: Price })
    const run = await orchestra.start({
      task: 'tea',
      topology: patterns.pipeline({ stages: [{ agents: [shout] }, { agents: [quote] }] }),
    })
    const output = await run.output()
    expectTypeOf(output).toEqualTypeOf<z.infer<typeof Price>>()
    expect(output).toEqual({ euros: 7, currency: 'EUR' })
  })

  it('Without a schema the response has the type of what the function gives or finishes with.', async () => {
    const { orchestra } = await ada()
    const either = defineAgent({
      name: 'Either',
      run: async (text: string) =>
        text === 'a' ? finish({ done: true }) : text === 'b' ? handOff('Count', text) : 'no',
    })
    const { response } = await orchestra.run({ task: 'a', agent: either })
    expectTypeOf(response).toEqualTypeOf<{ done: boolean } | 'no' | undefined>()
    expect(response).toEqual({ done: true })
    const lead = defineAgent({
      name: 'Lead',
      run: async (input: string | Results<number>) =>
        typeof input === 'string' ? invoke([{ agent: count, input }]) : finish(input.results.map(({ value }) => value)),
    })
    const hub = await orchestra.run({ task: 'four', topology: patterns.hubAndSpoke({ hub: lead, spokes: [count] }) })
    expectTypeOf(hub.response).toEqualTypeOf<(number | null)[] | undefined>()
    expect(hub.response).toEqual([4])
  })

  it('The response of a run is JSON if the definitions do not declare its type.', async () => {
    const { orchestra } = await ada()
    const flows = { agents: [count], flows: ['Start -> Count', 'Count -> End'] }
    expectTypeOf((await orchestra.run({ task: 'x', topology: flows })).response).toEqualTypeOf<Json | undefined>()
    expectTypeOf(
      (await (await orchestra.start({ task: 'x', topology: defineTopology(flows) })).result()).response,
    ).toEqualTypeOf<Json | undefined>()
  })
})

describe('the results of a session', () => {
  interface Plan {
    readonly title: string
    readonly before?: Plan
  }
  const planner = defineAgent({ name: 'Planner', run: async (title: string): Promise<Plan> => ({ title }) })
  const clerk = new LlmAgent({ name: 'Clerk', model: 'offline/extractive' })

  it('Each result of a session has the type of the output schema of its agent.', async () => {
    const user = await ada()
    type Output = z.infer<typeof Price> | null
    const bought = user.session(price)
    const { output, response } = await bought.generate({ item: 'tea' })
    expectTypeOf(output).toEqualTypeOf<Output>()
    expectTypeOf(response).toEqualTypeOf<Output>()
    expect(output?.euros).toBe(3)
    const quote = new LlmAgent({ name: 'Quote', model: new MockModel({ responses: ['{"euros":7}'] }), output: Price })
    const quoted = await user.session(quote).run('tea')
    expectTypeOf(quoted.output).toEqualTypeOf<Output>()
    expect(quoted.output).toEqual({ euros: 7, currency: 'EUR' })
    expectTypeOf((await bought.stream({ item: 'milk' }).result).output).toEqualTypeOf<Output>()
    expectTypeOf(bought.answer).returns.resolves.toHaveProperty('output').toEqualTypeOf<Output>()
    expectTypeOf(bought.resolve).returns.resolves.exclude<undefined>().toHaveProperty('output').toEqualTypeOf<Output>()
    expectTypeOf(bought.executeTool).returns.resolves.toEqualTypeOf<Json>()
    await using test = await AgentTestCase.open()
    const tested = await test.run(test.mock(quote, ['{"euros":8}']), 'tea')
    expectTypeOf(tested.output).toEqualTypeOf<Output>()
    expect(tested.output?.euros).toBe(8)
  })

  it('Without a schema a result has the type of what the function gives, and is JSON for an agent that declares none.', async () => {
    const user = await ada()
    const counted = await user.session(count).generate('four')
    expectTypeOf(counted.output).toEqualTypeOf<number | null>()
    expect(counted.output).toBe(4)
    expectTypeOf((await user.session(clerk).run('Hello.')).output).toEqualTypeOf<Json>()
    const custom: Agent = count
    expectTypeOf((await user.session(custom).run('four')).output).toEqualTypeOf<Json>()
    const planned = await user.session(planner).generate('move')
    const plan: Plan | null = planned.output
    expect(plan).toEqual({ title: 'move' })
    for (const agent of [count, shout]) {
      const { output } = await user.session(agent).generate('a')
      expectTypeOf(output).toEqualTypeOf<number | string | null>()
    }
  })

  it('A session of any agent is a Session, so that one list or map can have sessions of several agents.', async () => {
    const user = await ada()
    const any = defineAgent({
      name: 'Any',
      outputSchema: z.object({ any: z.unknown(), note: z.string().optional() }),
      run: async (text: string) => ({ any: text }),
    })
    const sessions: Session[] = [user.session(price), user.session(planner), user.session(clerk)]
    sessions.push(user.session(any), user.session(count))
    const byName = new Map<string, Session>(sessions.map((session) => [session.agent.name, session]))
    byName.set('Shout', user.session(shout))
    const outputs: Json[] = []
    for (const name of ['Any', 'Count', 'Shout']) outputs.push((await byName.get(name)?.generate('a'))?.output ?? null)
    expect(outputs).toEqual([{ any: 'a' }, 1, 'A'])
  })
})

describe('the reply of a delivery', () => {
  const Order = defineMessage('order', z.object({ sku: z.string() }), { reply: z.object({ left: z.number() }) })
  const Note = defineMessage<string>('note')

  it('The reply of a delivery has the type that its message types declare, and is any JSON for other types.', async () => {
    const user = await ada()
    const { mailbox } = user.agent('Stock')
    const asked = [user.agent('Desk').messages.request(Order, { sku: 'a' }, { to: 'Stock' })]
    const [order] = await mailbox.receive({ types: [Order], wait: '10s' })
    // @ts-expect-error the reply has no `rest`
    expectTypeOf(order?.reply).toBeCallableWith({ rest: 1 })
    await order?.reply({ left: 4 } as const)
    asked.push(user.agent('Desk').messages.request(Order, { sku: 'b' }, { to: 'Stock' }))
    const [either] = await mailbox.receive({ types: [Order, Note], wait: '10s' })
    await either?.reply({ left: 3 })
    asked.push(user.agent('Desk').messages.request(Order, { sku: 'c' }, { to: 'Stock' }))
    const [any] = await mailbox.receive({ wait: '10s' })
    interface Stock {
      readonly left: number
    }
    const left: Stock = { left: 2 }
    await any?.reply(left)
    expect(await Promise.all(asked)).toEqual([{ left: 4 }, { left: 3 }, { left: 2 }])
  })
})

describe('runs of several agents', () => {
  interface Plan {
    readonly title: string
    readonly steps?: readonly string[]
  }
  const planner = defineAgent({ name: 'Planner', run: async (title: string): Promise<Plan> => ({ title }) })

  it('A run of any agent is a Run, so that one list or map can have runs of several agents.', async () => {
    const { orchestra } = await ada()
    const planned = await orchestra.start({ task: 'move', agent: planner })
    const runs: Run[] = [planned, await orchestra.start({ task: 'four', agent: count })]
    const byId = new Map<string, Run>(runs.map((run) => [run.id, run]))
    byId.set('third', await orchestra.start({ task: { item: 'tea' }, agent: price }))
    const plan: Plan = await planned.output()
    expect(plan).toEqual({ title: 'move' })
    expect(await Promise.all(runs.map((run) => run.output()))).toEqual([{ title: 'move' }, 4])
    const results: RunResult[] = await Promise.all([planned.result(), orchestra.run({ task: 'move', agent: planner })])
    expect(results.map(({ response }) => response)).toEqual([{ title: 'move' }, { title: 'move' }])
  })
})

describe('defineAgent', () => {
  it('defineAgent accepts literals that fit the schema of the output, and no others.', async () => {
    const Verdict = z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('passed'), tags: z.array(z.string()).default([]) }),
      z.object({ kind: z.literal('failed'), reason: z.string() }),
    ])
    const judge = defineAgent({
      name: 'Judge',
      outputSchema: Verdict,
      run: async (text: string) => {
        if (text === '') return { kind: 'failed', reason: 'nothing to judge' }
        return text === 'x' ? { kind: 'passed' } : { kind: 'passed', tags: ['long', text] }
      },
    })
    const { orchestra } = await ada()
    const { response } = await orchestra.run({ task: '', agent: judge })
    expectTypeOf(response).toEqualTypeOf<z.infer<typeof Verdict> | undefined>()
    expect(response).toEqual({ kind: 'failed', reason: 'nothing to judge' })
    expect(await orchestra.run({ task: 'x', agent: judge })).toMatchObject({ response: { kind: 'passed', tags: [] } })
    const json = z.object({ any: z.json(), unknown: z.unknown() })
    defineAgent({ name: 'Any', outputSchema: json, run: async (text: string) => ({ any: [text], unknown: [text] }) })
    // @ts-expect-error: no variant has this kind.
    defineAgent({ name: 'Other', outputSchema: Verdict, run: async () => ({ kind: 'skipped' }) })
    // @ts-expect-error: the schema says a number.
    defineAgent({ name: 'Other', outputSchema: z.number(), run: async (text: string) => text })
  })
})

describe('invalid definitions', () => {
  it('A number given to a stage that takes a text does not compile, and schemas that do not fit are rejected by name.', async () => {
    // @ts-expect-error: Count gives a number, Shout takes a text.
    patterns.pipeline({ stages: [{ agents: [count] }, { agents: [shout] }] })
    // @ts-expect-error: so it is within a stage, whose agents run one after the other.
    patterns.pipeline({ stages: [{ agents: [count, shout] }] })
    // @ts-expect-error: each agent of a parallel stage is given what the stage before gives.
    patterns.pipeline({ stages: [{ agents: [count] }, { agents: [price, shout], parallel: true }] })
    patterns.pipeline({ stages: [{ agents: [shout, count] }] })
    // What a schema fills in by itself need not be given.
    const item = defineAgent({ name: 'Item', run: async (name: string) => ({ item: name }) })
    patterns.pipeline({ stages: [{ agents: [item] }, { agents: [price] }] })
    const numbers = defineAgent({ name: 'Numbers', outputSchema: z.number(), run: async () => 5 })
    const texts = defineAgent({ name: 'Texts', inputSchema: z.string(), run: async (text) => text })
    const flows = { agents: [numbers, texts], flows: ['Start -> Numbers', 'Numbers -> Texts', 'Texts -> End'] }
    const { orchestra } = await ada()
    await expect(orchestra.start({ task: 1, topology: flows })).rejects.toMatchObject({
      code: 'topology.rejected',
      message: expect.stringContaining('The output of Numbers does not match the input schema of Texts'),
    })
  })

  it('An edge to an agent that does not exist is rejected by name.', () => {
    expect(() => defineTopology({ agents: [count], flows: ['Count -> Cuont'] })).toThrow(
      "The topology is not valid at the flow 'Count -> Cuont': there is no agent Cuont",
    )
  })

  it('A storage without a scheme is rejected, with what to write.', async () => {
    await expect(createTroupe({ storage: './db.sqlite' })).rejects.toThrow('that file is sqlite:./db.sqlite')
  })
})

describe('values of an interface', () => {
  interface Plan {
    readonly title: string
    readonly steps: readonly { readonly name: string; readonly done?: boolean }[]
    readonly before?: Plan
  }
  const plan: Plan = { title: 'move', steps: [{ name: 'pack' }] }

  it('A value of an interface is JSON where its fields are.', async () => {
    const user = await ada()
    const { context, orchestra } = user
    await context.push('plan', plan)
    await context.push('plans', { all: [plan], count: 1 })
    const { value } = await context.update('plan', async () => ({ ...plan, before: plan }))
    expectTypeOf(value).toEqualTypeOf<Json>()
    expect(value).toEqual({ ...plan, before: plan })
    const planner = defineAgent({
      name: 'Planner',
      run: async (wanted: Plan, ctx) => {
        await ctx.context.push('wanted', wanted)
        return wanted.title
      },
    })
    expect((await orchestra.run({ task: plan, agent: planner })).response).toBe('move')
    expect(await context.get('wanted')).toEqual(plan)
    const asked = user.agent('Desk').messages.request(defineMessage('plan'), null, { to: 'Office' })
    const [request] = await user.agent('Office').mailbox.receive({ wait: '10s' })
    await request?.reply(plan)
    expect(await asked).toEqual(plan)
  })

  it('A field that JSON cannot carry does not compile.', async () => {
    const { context } = await ada()
    // @ts-expect-error: JSON has no dates.
    await expect(context.push('at', { at: new Date(0) })).rejects.toMatchObject({ code: 'json.unsupported' })
    // @ts-expect-error: nor maps.
    await expect(context.update('map', () => new Map())).rejects.toMatchObject({ code: 'json.unsupported' })
  })
})

describe('mailbox.receive', () => {
  const Order = defineMessage('order.placed', z.object({ n: z.number() }))
  const Note = defineMessage('note', z.object({ text: z.string() }))

  it('A delivery of a type has the payload of its schema.', async () => {
    const user = await ada()
    await user.agent('Shop').messages.send(Order, { n: 2 }, { to: 'Stock' })
    const [delivery] = await user.agent('Stock').mailbox.receive({ types: [Order] })
    expectTypeOf(delivery?.message.payload).toEqualTypeOf<{ n: number } | undefined>()
    expect((delivery?.message.payload.n ?? 0) + 1).toBe(3)
    const either = await user.agent('Stock').mailbox.receive({ types: [Order, Note] })
    expectTypeOf(either[0]?.message.payload).toEqualTypeOf<{ n: number } | { text: string } | undefined>()
    const [any] = await user.agent('Stock').mailbox.receive()
    expectTypeOf(any?.message.payload).toEqualTypeOf<Json | undefined>()
    const named = await user.agent('Stock').mailbox.receive({ types: ['order.placed'] })
    expectTypeOf(named[0]?.message.payload).toEqualTypeOf<Json | undefined>()
  })
})

describe('worker.on', () => {
  const Reply = z.object({ left: z.number(), tags: z.array(z.enum(['last', 'rare'])).default([]) })
  const Order = defineMessage('order.placed', z.object({ n: z.number() }), { reply: Reply })
  const Note = defineMessage('note', z.object({ n: z.number() }))
  interface Receipt {
    readonly left: number
  }
  const receipt: Schema<Receipt> = z.object({ left: z.number() })

  it('worker.on accepts handlers whose replies fit the schema of the reply, and no others.', async () => {
    const user = await ada()
    const worker = new Worker('Stock')
    worker.on(Order, async ({ payload: { n } }) => (n > 3 ? undefined : { left: n, tags: ['last'] as const }))
    worker.on(Order, () => {})
    worker.on(Note, ({ payload }) => new Set([payload.n]))
    worker.on(defineMessage('bought', undefined, { reply: receipt }), () => ({ left: 1 }))
    // @ts-expect-error: the schema of the reply says a number.
    worker.on(Order, async () => ({ left: 'many', tags: [] }))
    // @ts-expect-error: no tag has this name.
    worker.on(Order, () => ({ left: 1, tags: ['new'] }))
    worker.on(Order, ({ payload }) => ({ left: payload.n, tags: ['rare'] }))
    await user.start(worker)
    const reply = await user.agent('Shop').messages.request(Order, { n: 2 }, { to: 'Stock' })
    expectTypeOf(reply).toEqualTypeOf<z.infer<typeof Reply>>()
    expect(reply).toEqual({ left: 2, tags: ['rare'] })
  })
})

describe('createTroupe(defineConfig({ … }))', () => {
  const team = patterns.pipeline({ stages: [{ agents: [shout] }] })

  it('One object serves the command line and the program: its server and the settings of its teams hold.', async () => {
    const config = defineConfig({
      storage: 'memory:',
      log: 'silent',
      server: { port: 0, heartbeat: '3s' },
      teams: { plain: team, short: { topology: team, config: { budget: { steps: 1 } }, description: 'One step.' } },
    })
    await using troupe = await createTroupe(config)
    const { orchestra } = troupe.user('ada')
    expect((await orchestra.run({ task: 'a', team: 'plain' })).response).toBe('A')
    const run = await orchestra.start({ task: 'a', team: 'short' })
    const { value: started } = await run.events().next()
    expect(started).toMatchObject({ pinned: { config: { budget: { steps: 1 } } } })
    await using server = await serve(troupe)
    expect(server.port).not.toBe(8_000)
    await using other = await serve(troupe, { host: 'localhost', port: 0 })
    expect(other.host).toBe('localhost')
  })

  it('Options that are none are found by the compiler and at run time.', async () => {
    // @ts-expect-error: storrage
    const misspelt = defineConfig({ storrage: 'memory:' })
    await expect(createTroupe(misspelt as never)).rejects.toThrow(/storrage/)
    // @ts-expect-error: a configuration without a storage is for the command line, which has a default.
    await expect(createTroupe(defineConfig({ log: 'silent' }))).rejects.toThrow(/storage/)
    const teams = { a: { topology: team, cnfig: {} } } as never
    await expect(createTroupe({ storage: 'memory:', teams })).rejects.toThrow(/cnfig/)
    await expect(createTroupe({ storage: 'memory:', server: 5 as never })).rejects.toThrow(/server/)
  })
})

/** Pools where agents stand: what holds of the agent that a pool lends holds of the pool. */
import { expect, it } from 'vitest'
import { z } from 'zod'
import { createVirtualClock, type Json } from '../../core/index.ts'
import { defineMessage } from '../../messaging/index.ts'
import { solo, troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { patterns } from '../../topology/index.ts'
import { type Agent, type AgentOptions, defineAgent, finish, type StepContext } from '../index.ts'
import { AgentPool } from './agent-pool.ts'

const { ada } = troupesOfTests()
const lending = (agent: Agent) => [
  new AgentPool({ agent, size: 1 }),
  new AgentPool({ name: agent.name, create: () => agent }),
]

it('An agent that a pool lends has its own rights, however the pool was made.', async () => {
  const user = await ada()
  const run = async (_: Json, { context }: StepContext) => {
    await context.push('plan', 1)
    return 'pushed'
  }
  const outcomes = async (options: Pick<AgentOptions<Json, Json>, 'role' | 'allow'>) =>
    Promise.all(
      lending(defineAgent({ name: 'Clerk', run, ...options })).map(async (clerk) => {
        const { response, error } = await user.orchestra.run({ task: 'go', topology: solo(clerk) })
        return response ?? error?.code
      }),
    )
  expect(await outcomes({ role: 'readonly' })).toEqual(['access.denied', 'access.denied'])
  expect(await outcomes({ allow: [] })).toEqual(['access.denied', 'access.denied'])
  expect(await user.context.get('plan')).toBeUndefined()
  expect(await outcomes({})).toEqual(['pushed', 'pushed'])
})

it('A request to a pool is served by an agent that the pool lends.', async () => {
  const user = await ada()
  const Ask = defineMessage('ask', z.object({ n: z.number() }), { reply: z.string() })
  const pooledAgent = defineAgent({
    name: 'Desk',
    run: async () => 'worked',
    serve: async ({ payload }) => `served ${(payload as { n: number }).n}`,
  })
  const clerk = defineAgent({
    name: 'Clerk',
    run: async (_, ctx) => finish(await ctx.request(Ask, { n: 7 }, { to: 'Desk' })),
  })
  for (const pool of lending(pooledAgent)) {
    const topology = { agents: [clerk, pool], flows: ['Start -> Clerk', 'Clerk <-> Desk', 'Clerk -> End'] }
    expect((await user.orchestra.run({ task: 'go', topology })).response).toBe('served 7')
  }
})

it('A check of a topology sees the schemas of the agent that a pool lends.', async () => {
  const { orchestra } = await ada()
  const agent = defineAgent({ name: 'A', outputSchema: z.object({ s: z.string() }), run: async () => ({ s: 'x' }) })
  const receiver = defineAgent({ name: 'B', inputSchema: z.object({ n: z.number() }), run: async () => null })
  const findings = await orchestra.check({
    agents: [new AgentPool({ agent: agent }), new AgentPool({ agent: receiver })],
    flows: ['Start -> A', 'A -> B', 'B -> End'],
  })
  expect(findings.map(({ code }) => code)).toContain('schema.misfit')
})

it('A step that waits returns its instance to the pool, and is executed again with one that is idle.', async () => {
  const { orchestra } = await ada()
  const agent = defineAgent({ name: 'Desk', run: (input, ctx) => ctx.ask({ text: `Go on with ${input}?` }) })
  const pool = new AgentPool({ agent, size: 1 })
  const sum = defineAgent({ name: 'Sum', run: (results) => finish(results) })
  const topology = patterns.mapReduce({ map: pool, reduce: sum })
  const run = await orchestra.start({ task: ['a', 'b'], topology })
  const { status, questions } = await run.result()
  expect([status, questions.map(({ text }) => text)]).toEqual(['waiting', ['Go on with a?', 'Go on with b?']])
  for (const { id, text } of questions) await run.answer(id, `yes, ${text}`)
  const { response } = await run.result()
  expect(response).toMatchObject({ results: [{ value: 'yes, Go on with a?' }, { value: 'yes, Go on with b?' }] })
})

it('A pool lends the instance of a cancelled step after its code has ended.', async () => {
  const { orchestra } = await ada()
  const clock = createVirtualClock()
  const log: Json[] = []
  const [begun, mayEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const run = async (input: Json) => {
    log.push(`begins ${input}`)
    if (input === 'first') begun.resolve()
    if (input === 'first') await mayEnd.promise
    log.push(`ends ${input}`)
    return input
  }
  const pool = new AgentPool({ name: 'Desk', create: () => defineAgent({ name: 'Desk', run }), size: 1, clock })
  const start = (task: string) => orchestra.start({ task, topology: solo(pool) })
  const first = await start('first')
  await begun.promise
  const cancelled = first.cancel()
  const second = await start('second')
  await expect.poll(() => pool.stats().waiting).toBe(1)
  expect(log).toEqual(['begins first'])
  mayEnd.resolve()
  expect((await second.result()).response).toBe('second')
  expect(log).toEqual(['begins first', 'ends first', 'begins second', 'ends second'])
  await cancelled
})

it('A pool lends the instance of a cancelled step whose code does not end after 30 s.', async () => {
  const clock = createVirtualClock()
  const { orchestra } = await ada()
  const [begun, mayEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const run = async (input: Json) => {
    if (input !== 'hang') return input
    begun.resolve()
    await mayEnd.promise
    return input
  }
  const pool = new AgentPool({
    name: 'Desk',
    create: () => defineAgent({ name: 'Desk', run }),
    size: 1,
    acquireTimeout: '1h',
    clock,
  })
  const hanging = await orchestra.start({ task: 'hang', topology: solo(pool) })
  await begun.promise
  const cancelled = hanging.cancel()
  const next = await orchestra.start({ task: 'next', topology: solo(pool) })
  await expect.poll(() => pool.stats().waiting).toBe(1)
  await clock.advance('29s')
  expect(pool.stats().waiting).toBe(1)
  await clock.advance('2s')
  expect((await next.result()).response).toBe('next')
  mayEnd.resolve()
  await cancelled
})

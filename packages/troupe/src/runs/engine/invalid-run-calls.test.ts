import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  type Agent,
  type AgentResult,
  defineAgent,
  defineMessage,
  finish,
  invoke,
  type Json,
  patterns,
  type Results,
  type RunConfig,
} from '../../index.ts'
import { solo, troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'

const { ada } = troupesOfTests()

const withUser = (agent: Agent) => solo(agent, `${agent.name} -> User`, `User -> ${agent.name}`)
const leaf = defineAgent({ name: 'Leaf', run: () => 'done' })
const waits = defineAgent({ name: 'Waits', run: async (_, ctx) => finish(await ctx.ask({ text: 'Go on?' })) })
const all = async (items: AsyncIterable<unknown>) => {
  for await (const _ of items);
}

describe('calls about runs', () => {
  it('The calls about runs reject unknown options and invalid values with a ValidationError.', async () => {
    const { orchestra } = await ada()
    const run = await orchestra.start({ task: 1, topology: solo(leaf) })
    await run.result()
    const x = { signl: 1 } as never
    const calls = [
      () => run.result(x),
      () => run.status(x),
      () => run.uncertain(x),
      async () => all(run.events({ form: 1 } as never)),
      async () => all(run.events({ from: -1 })),
      async () => all(run.live(x)),
      () => orchestra.get(run.id, x),
      () => orchestra.verifyReplay(run.id, x),
      () => orchestra.export(run.id, x),
      () => orchestra.why(run.id, x),
      () => orchestra.compare(run.id, run.id, x),
      () => orchestra.check(solo(leaf), undefined, x),
      () => orchestra.list({ limit: 0 }),
      () => orchestra.list({ limit: 'x' as never }),
      () => orchestra.start({ task: 1, topology: solo(leaf), tags: 'a' as never }),
      () => run.result({ signal: 'x' as never }),
    ]
    for (const call of calls) await expect(call(), String(call)).rejects.toMatchObject({ name: 'ValidationError' })
  })

  it('The calls about runs reject with a CancelledError if their signal has aborted.', async () => {
    const { orchestra } = await ada()
    const run = await orchestra.start({ task: 1, topology: withUser(waits) })
    await run.result()
    const signal = AbortSignal.abort()
    const calls = [
      () => run.result({ signal }),
      () => run.status({ signal }),
      () => run.pause({ signal }),
      () => run.cancel({ signal }),
      () => orchestra.start({ task: 1, topology: solo(leaf), signal }),
      () => orchestra.run({ task: 1, topology: solo(leaf), signal }),
      () => orchestra.list({ signal }),
      () => orchestra.get(run.id, { signal }),
      () => orchestra.verifyReplay(run.id, { signal }),
      () => orchestra.export(run.id, { signal }),
      () => orchestra.why(run.id, { signal }),
      () => orchestra.compare(run.id, run.id, { signal }),
      () => orchestra.fork(run.id, { at: 1, signal }),
      () => orchestra.check(solo(leaf), undefined, { signal }),
    ]
    for (const call of calls) await expect(call(), String(call)).rejects.toMatchObject({ name: 'CancelledError' })
    await all(run.events({ signal }))
    await all(run.live({ signal }))
    expect((await orchestra.list()).items).toHaveLength(1)
    expect((await run.status()).status).toBe('waiting')
  })

  it('orchestra.run cancels its run when its signal aborts.', async () => {
    const { orchestra } = await ada()
    const controller = new AbortController()
    const slow = defineAgent({
      name: 'Slow',
      run: (_, { signal }) =>
        new Promise<never>((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason))
          controller.abort()
        }),
    })
    const running = orchestra.run({ task: 1, topology: solo(slow), signal: controller.signal })
    await expect(running).rejects.toMatchObject({ name: 'CancelledError' })
    expect((await orchestra.list()).items).toMatchObject([{ status: 'cancelled' }])
  })
})

it('The type of a run config rejects a text or a bare number as a duration.', async () => {
  const { orchestra } = await ada()
  // @ts-expect-error: a text, and no duration
  const soon: RunConfig = { deadline: 'soon' }
  // @ts-expect-error: a bare number
  const bare: RunConfig = { timeouts: { step: 500 } }
  for (const config of [soon, bare])
    await expect(orchestra.start({ task: 1, topology: solo(leaf), config })).rejects.toMatchObject({
      code: 'duration.invalid',
    })
})

describe('patterns', () => {
  it('The patterns reject invalid arguments with a ValidationError.', () => {
    const [a, b] = [leaf, waits]
    const wrong: readonly (() => unknown)[] = [
      () => patterns.pipeline({} as never),
      () => patterns.pipeline({ stages: [null as never] }),
      () => patterns.pipeline({ stages: [{ agents: [a], paralel: true } as never] }),
      () => patterns.pipeline({ stages: [{ agents: [a], parallel: 'yes' as never }] }),
      () => patterns.hubAndSpoke({ hub: a, spokes: [b], parallelSpokes: 'yes' as never }),
      () => patterns.hierarchical({ root: a, tree: {} }),
      () => patterns.hierarchical({ root: a, tree: { Leaf: b as never } }),
      () => patterns.broadcast({ broadcaster: a, receivers: [b], allowReplies: 1 as never }),
      () => patterns.router({} as never),
      () => patterns.router({ routes: { a }, by: 5 as never }),
      () => patterns.mapReduce({ map: a, reduce: b, split: 5 as never }),
      () => patterns.blackboard({ agents: [a] } as never),
    ]
    for (const make of wrong) expect(make, String(make)).toThrow(expect.objectContaining({ name: 'ValidationError' }))
  })
})

describe('an agent with results of other agents', () => {
  it('An agent that gets results of other agents still has its task, and the result of a failed agent is null.', async () => {
    const { orchestra } = await ada()
    const fails = defineAgent({
      name: 'Fails',
      run: () => {
        throw new Error('no luck')
      },
    })
    const lead = defineAgent({
      name: 'Lead',
      run: (input: string | Results<string>, ctx) =>
        typeof input === 'string'
          ? invoke([{ agent: 'Leaf', input }, { agent: 'Fails' }])
          : finish({ task: ctx.task, found: input.results.map(shown) }),
    })
    const shown = ({ agent, success, value, error }: AgentResult<string>): Json => [
      agent,
      success,
      value,
      error?.message ?? null,
    ]
    const { response } = await orchestra.run({
      task: 'the task',
      topology: { agents: [lead, leaf, fails], flows: ['Lead <-> Leaf', 'Lead <-> Fails', 'Lead -> End'] },
      config: { onFailure: 'collect' },
    })
    expect(response).toEqual({
      task: 'the task',
      found: [
        ['Leaf', true, 'done', null],
        ['Fails', false, null, 'no luck'],
      ],
    })
  })

  it('An agent that serves a request has the payload of the request as its task.', async () => {
    const { orchestra } = await ada()
    const Ask = defineMessage('ask')
    const server = defineAgent({ name: 'Server', run: () => null, serve: (_, ctx) => ctx.task })
    const client = defineAgent({
      name: 'Client',
      run: async (_, ctx) => finish((await ctx.request(Ask, { n: 1 }, { to: 'Server' })) as Json),
    })
    const team = { agents: [client, server], flows: ['Client <-> Server', 'Client -> End'] }
    expect((await orchestra.run({ task: 'x', topology: team })).response).toEqual({ n: 1 })
  })

  it('A request of a step to a mailbox has every option of a message, and one to an agent of the run rejects them.', async () => {
    const Ask = defineMessage('sum', z.object({ a: z.number() }), { reply: z.object({ b: z.number() }) })
    const server = defineAgent({ name: 'Server', run: async () => null, serve: async () => ({ b: 1 }) })
    const client = defineAgent({
      name: 'Client',
      run: async (to: string, ctx) =>
        finish(await ctx.request(Ask, { a: 1 }, { to, priority: 'high', threadId: 'sums', metadata: { of: 'ada' } })),
    })
    const user = await ada()
    const topology = { agents: [client, server], flows: ['Start -> Client', 'Client -> End', 'Client <-> Server'] }
    const run = await user.orchestra.start({ task: 'Desk', topology })
    const [delivery] = await user.agent('Desk').mailbox.receive({ max: 1, wait: '20s' })
    expect(delivery?.message).toMatchObject({ priority: 'high', threadId: 'sums', metadata: { of: 'ada' } })
    await delivery?.reply({ b: 2 })
    expect(await run.result()).toMatchObject({ status: 'completed', response: { b: 2 } })
    expect(await user.orchestra.run({ task: 'Server', topology })).toMatchObject({
      status: 'failed',
      error: { code: 'validation.failed', message: expect.stringContaining('The option priority of request') },
    })
  })
})

it.each(['Server', 'Desk'])('A request of a step to %s rejects a message type that is a text.', async (to) => {
  const { orchestra } = await ada()
  const server = defineAgent({ name: 'Server', run: () => null })
  const client = defineAgent({ name: 'Client', run: (_, ctx) => ctx.request('ask' as never, 1 as never, { to }) })
  const topology = { agents: [client, server], flows: ['Start -> Client', 'Client -> End', 'Client <-> Server'] }
  expect(await orchestra.run({ task: 'x', topology })).toMatchObject({
    status: 'failed',
    error: { code: 'validation.failed', message: expect.stringContaining('it is the text ask, and not a result of') },
  })
})

describe('mistakes of a function agent', () => {
  const generate = function* () {}

  it.each<[string, Parameters<typeof defineAgent>[0]['run']]>([
    ['an effect without a name', async (_, ctx) => ctx.effect('', { class: 'read' }, () => 1)],
    ['an effect of no class', async (_, ctx) => ctx.effect('x', {} as never, () => 1)],
    [
      'an effect with an unknown option',
      async (_, ctx) => ctx.effect('x', { class: 'read', kee: 1 } as never, () => 1),
    ],
    ['an effect that does nothing', async (_, ctx) => ctx.effect('x', { class: 'read' }, undefined as never)],
    [
      'an effect whose undo is a generator function',
      async (_, ctx) => ctx.effect('x', { class: 'at-most-once', undo: generate as never }, () => 1),
    ],
    ['a request with an unknown option', async (_, ctx) => ctx.request(defineMessage('x'), 1, { too: 'A' } as never)],
    ['an invocation of nobody', () => invoke(['B' as never])],
    [
      'a default that is not an option',
      async (_, ctx) => ctx.ask({ kind: 'choice', text: '?', options: ['a'], default: 'b' }),
    ],
    ['a confirmation with options', async (_, ctx) => ctx.ask({ kind: 'confirmation', text: '?', options: ['a'] })],
  ])('A function agent with %s fails with a ValidationError.', async (_, run) => {
    const { orchestra } = await ada()
    const result = await orchestra.run({ task: 1, topology: withUser(defineAgent({ name: 'A', run })) })
    expect(result).toMatchObject({ status: 'failed', error: { name: 'ValidationError' } })
  })
})

it('A question shows its timeout as it was given, and an approval rejects an answer with unknown fields.', async () => {
  const { orchestra } = await ada()
  const asks = defineAgent({
    name: 'Asks',
    run: async (_, ctx) => finish(await ctx.ask({ kind: 'approval', text: 'May I?', timeout: '2h', hash: 'h' })),
  })
  const run = await orchestra.start({ task: 1, topology: withUser(asks) })
  const [question] = (await run.result()).questions
  expect(question).toMatchObject({ kind: 'approval', timeout: '2h', agent: 'Asks' })
  const id = question?.id as string
  await expect(run.answer(id, { approve: true, hash: 'h', more: 1 })).rejects.toMatchObject({ name: 'ValidationError' })
  await run.answer(id, { approve: true, hash: 'h' })
  expect((await run.result()).response).toEqual({ approve: true, hash: 'h' })
})

it('A value that is too large for its run is rejected by the call, and the run still waits.', async () => {
  const { orchestra } = await ada()
  const asks = defineAgent({ name: 'Asks', run: async (_, ctx) => finish(await ctx.ask({ text: 'What?' })) })
  const run = await orchestra.start({ task: 1, topology: withUser(asks) })
  const [question] = (await run.result()).questions
  const id = question?.id as string
  const tooLarge = (message: RegExp) => ({ code: 'value.too_large', message: expect.stringMatching(message) })
  for (const length of [8 * 1024 * 1024 - 65_536, 9_000_000])
    await expect(run.answer(id, 'x'.repeat(length))).rejects.toMatchObject(tooLarge(/^The command run\.answer has \d+/))
  expect(await run.status()).toMatchObject({ status: 'waiting', reason: 'question' })
  const longest = 'x'.repeat(8_300_000)
  await run.answer(id, longest)
  expect((await run.result()).response).toBe(longest)

  const started = orchestra.start({ id: 'long', task: 'x'.repeat(8 * 1024 * 1024 - 10), topology: withUser(asks) })
  await expect(started).rejects.toMatchObject(tooLarge(/^The start of the run, with its task and team, has \d+/))
  await expect(orchestra.get('long')).rejects.toMatchObject({ code: 'run.unknown' })
})

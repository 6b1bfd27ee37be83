import { AsyncLocalStorage } from 'node:async_hooks'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Context, context, createContextKey, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineAgent, defineMessage, defineTool, finish, LlmAgent, type User, Worker } from '../../index.ts'
import { troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { MockModel } from '../../testing/index.ts'
import type { SpanTree } from '../index.ts'

const { opened } = troupesOfTests()
const echo = defineAgent({ name: 'Echo', run: async (input: string) => `echo ${input}` })
/** Names with those of their children. */
const names = (trees: readonly SpanTree[] = []): unknown[] =>
  trees.map(({ name, children }) => [name.replace(/^branch .*/, 'branch'), ...names(children)])
const Order = defineMessage<number>('order')
const runOfEcho = ['invoke_workflow', ['branch', ['invoke_agent Echo']]]

/** Calls the function in a span, and returns the id of its trace. */
async function inSpan(ada: User, run: () => Promise<unknown>): Promise<string> {
  return ada.traces.span('request', async () => {
    await run()
    return ada.traces.traceparent()?.slice(3, 35) ?? ''
  })
}

describe('the span of a caller', () => {
  it('A run that is started in a span is below the span, and its id gives the part of the trace from the run on.', async () => {
    const ada = (await opened({ agents: [echo] })).user('ada')
    const traceId = await inSpan(ada, async () => {
      for (const id of ['one', 'two']) await ada.orchestra.run({ id, task: 't', agent: 'Echo' })
    })
    expect(names((await ada.traces.get(traceId))?.roots)).toEqual([['request', runOfEcho, runOfEcho]])
    for (const id of ['one', 'two'])
      expect(await ada.traces.get(id)).toMatchObject({ traceId, spans: 3, roots: [{ name: 'invoke_workflow' }] })
    for await (const event of (await ada.orchestra.get('one')).events()) expect(event.trace).toBe(traceId)
  })
  it('A run that an agent starts is below the step of the agent.', async () => {
    const lead = defineAgent({
      name: 'Lead',
      run: async (input: string, ctx) =>
        finish((await (await ctx.startRun({ task: input, agent: 'Echo' })).result()).response as string),
    })
    const ada = (await opened({ agents: [echo, lead] })).user('ada')
    await ada.orchestra.run({ id: 'above', task: 't', agent: 'Lead' })
    expect(names((await ada.traces.get('above'))?.roots)).toEqual([
      ['invoke_workflow', ['branch', ['invoke_agent Lead', runOfEcho]]],
    ])
  })
  it('A call of a session in a span is below the span, with its model and its tools.', async () => {
    const search = defineTool({
      name: 'search',
      description: 'Searches.',
      inputSchema: z.object({}),
      effect: 'read',
      execute: () => 'found',
    })
    const model = new MockModel({ responses: [{ toolCalls: [{ name: 'search', args: {} }] }, { text: 'the answer' }] })
    const writer = new LlmAgent({ name: 'Writer', model, tools: { search } })
    const ada = (await opened()).user('ada')
    const traceId = await inSpan(ada, () => ada.session(writer).generate('hello'))
    expect(names((await ada.traces.get(traceId))?.roots)).toEqual([
      [
        'request',
        [
          'invoke_agent Writer',
          [expect.stringMatching('chat ')],
          ['execute_tool search'],
          [expect.stringMatching('chat ')],
        ],
      ],
    ])
  })
  it('A run in the span of another user has a trace of its own.', async () => {
    const troupe = await opened({ agents: [echo] })
    const [ada, eve] = [troupe.user('ada'), troupe.user('eve')]
    const traceId = await inSpan(ada, () => eve.orchestra.run({ id: 'one', task: 't', agent: 'Echo' }))
    expect((await eve.traces.get('one'))?.traceId).not.toBe(traceId)
    expect(names((await ada.traces.get(traceId))?.roots)).toEqual([['request']])
  })
  it('A run of a schedule that is created in a span has a trace of its own.', async () => {
    const ada = (await opened({ agents: [echo] })).user('ada')
    let run = ''
    const traceId = await inSpan(ada, async () => {
      await ada.schedules.create({ id: 's', agent: 'Echo', task: 't', every: '1d' })
      const started = await ada.schedules.trigger('s')
      await started.result()
      run = started.id
    })
    expect(names((await ada.traces.get(traceId))?.roots)).toEqual([['request']])
    expect(names((await ada.traces.get(run))?.roots)).toEqual([runOfEcho])
  })
  it('A run and a call of a session continue after a restart in the trace in which they were started.', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-spans-'))
    const asking = defineAgent({
      name: 'Asking',
      run: async (_: string, ctx) => finish(String(await ctx.ask({ text: 'Which?' }))),
    })
    const config = { storage: `sqlite:${join(folder, 'troupe.db')}`, agents: [asking] }
    try {
      const first = await opened(config)
      const before = first.user('ada')
      const traceId = await inSpan(before, async () => {
        const run = await before.orchestra.start({ id: 'asks', task: 't', agent: 'Asking' })
        expect(await run.result()).toMatchObject({ status: 'waiting' })
        expect(await before.session(asking).generate('t')).toMatchObject({ status: 'waiting' })
      })
      await first.close()
      const ada = (await opened(config)).user('ada')
      for (const { id, questions } of (await ada.approvals.list()).items)
        for (const question of questions) await ada.approvals.answer(id, question.id, 'this')
      const run = await ada.orchestra.get('asks')
      expect(await run.result()).toMatchObject({ status: 'completed', response: 'this' })
      await expect
        .poll(async () => names((await ada.traces.get(traceId))?.roots))
        .toEqual([['request', ['invoke_workflow', ['branch', ['invoke_agent Asking']]], ['invoke_agent Asking']]])
      expect((await ada.traces.get('asks'))?.roots[0]).toMatchObject({ status: 'ok', durationMs: expect.any(Number) })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

describe('a span of OpenTelemetry', () => {
  const around = new AsyncLocalStorage<Context>()
  beforeAll(() => {
    context.setGlobalContextManager({
      active: () => around.getStore() ?? ROOT_CONTEXT,
      with: (active, run, self, ...args) => around.run(active, () => run.apply(self, args)),
      bind: (_, target) => target,
      enable() {
        return this
      },
      disable() {
        return this
      },
    })
  })
  afterAll(() => context.disable())
  const caller = { traceId: 'c'.repeat(32), spanId: 'd'.repeat(16), traceFlags: 1 }
  const within = <Out>(run: () => Out) => context.with(trace.setSpanContext(ROOT_CONTEXT, caller), run)

  it('Runs, calls of sessions, messages and own spans in a span of OpenTelemetry are below it.', async () => {
    const troupe = await opened({ agents: [echo] })
    const [ada, eve] = [troupe.user('ada'), troupe.user('eve')]
    await within(async () => {
      await ada.orchestra.run({ id: 'one', task: 't', agent: 'Echo' })
      await ada.session(echo).generate('hello')
      await ada.agent('Desk').messages.send(Order, 1, { to: 'Stock' })
      await ada.traces.span('own', () => eve.orchestra.run({ id: 'eves', task: 't', agent: 'Echo' }))
    })
    const { roots = [] } = (await ada.traces.get(caller.traceId)) ?? {}
    expect(names(roots)).toEqual([runOfEcho, ['invoke_agent Echo'], ['send order'], ['own']])
    expect(new Set(roots.map(({ parent }) => parent))).toEqual(new Set([caller.spanId]))
    expect((await eve.traces.get('eves'))?.traceId).not.toBe(caller.traceId)
  })
  it('The code of a step is in the span of the step for OpenTelemetry.', async () => {
    let seen: unknown
    const looking = defineAgent({
      name: 'Looking',
      run: async () => {
        seen = trace.getSpanContext(context.active())
        return finish('x')
      },
    })
    const ada = (await opened({ agents: [looking] })).user('ada')
    await within(() => ada.orchestra.run({ id: 'one', task: 't', agent: 'Looking' }))
    const [step] = (await ada.traces.get('one'))?.roots[0]?.children[0]?.children ?? []
    expect(seen).toMatchObject({ traceId: caller.traceId, spanId: step?.id })
  })
  it('The code of a run, a session or a worker is in an unsampled span if that of its caller is unsampled.', async () => {
    const seen: unknown[] = []
    const handled = Promise.withResolvers<void>()
    const note = (): number =>
      seen.push([trace.getSpanContext(context.active())?.traceFlags, ada.traces.traceparent()?.slice(-2)])
    const looking = defineAgent({
      name: 'Looking',
      run: async (_, ctx) => {
        note()
        if (ctx.runId === undefined) return finish('x')
        await ctx.messages.send(Order, 1, { to: 'Stock' })
        await (await ctx.startRun({ task: 't', agent: 'Noting' })).result()
        return finish('x')
      },
    })
    const noting = defineAgent({ name: 'Noting', run: async () => finish(note()) })
    const ada: User = (await opened({ agents: [looking, noting] })).user('ada')
    const worker = new Worker('Stock').on(Order, () => {
      note()
      handled.resolve()
    })
    await ada.start(worker)
    const unsampled = trace.setSpanContext(ROOT_CONTEXT, { ...caller, traceFlags: 0 })
    await context.with(unsampled, async () => {
      await ada.orchestra.run({ id: 'one', task: 't', agent: 'Looking' })
      await ada.session(looking).generate('hello')
    })
    await handled.promise
    await ada.traces.span('own', note, { traceparent: `00-${caller.traceId}-${caller.spanId}-00` })
    expect(seen).toEqual(Array.from({ length: 5 }, () => [0, '00']))
    await ada.orchestra.run({ id: 'two', task: 't', agent: 'Noting' })
    await ada.traces.span('own', note, { traceparent: `00-${caller.traceId}-${caller.spanId}-01` })
    expect(seen.slice(5)).toEqual([
      [1, '01'],
      [1, '01'],
    ])
  })
  it('Spans below an unsampled span of a caller are stored and not sent to the collector, which is called untraced.', async () => {
    const sent: string[] = []
    const tracing: unknown[] = []
    const config = {
      agents: [echo],
      otlp: { url: 'http://collector.test' },
      fetch: async (_: unknown, init?: RequestInit) => {
        sent.push(String(init?.body))
        tracing.push(context.active().getValue(createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING')))
        return new Response('{}')
      },
    }
    const troupe = await opened(config)
    const ada = troupe.user('ada')
    const unsampled = trace.setSpanContext(ROOT_CONTEXT, { ...caller, traceFlags: 0 })
    await context.with(unsampled, async () => {
      await ada.orchestra.run({ id: 'hidden', task: 't', agent: 'Echo' })
      await ada.session(echo).generate('hello')
    })
    await ada.orchestra.run({ id: 'shown', task: 't', agent: 'Echo' })
    const [hidden, shown] = [await ada.traces.get('hidden'), await ada.traces.get('shown')]
    expect(names(hidden?.roots)).toEqual([runOfEcho])
    await troupe.close()
    expect(sent.join()).toContain(shown?.traceId)
    expect(sent.join()).not.toContain(caller.traceId)
    expect(tracing.every((suppressed) => suppressed === true)).toBe(true)
  })
})

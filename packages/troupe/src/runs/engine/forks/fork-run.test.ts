import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  type Agent,
  AgentPool,
  defineAgent,
  defineTool,
  finish,
  handOff,
  LlmAgent,
  patterns,
  type RunEvent,
} from '../../../index.ts'
import { eventsOf, troupesOfTests } from '../../../startup/troupe-testbed.test.fixture.ts'
import { MockModel } from '../../../testing/index.ts'

const { ada } = troupesOfTests()

const seqOf = (events: readonly RunEvent[], type: RunEvent['type'], agent?: string): number =>
  events.find((event) => event.type === type && (agent === undefined || ('agent' in event && event.agent === agent)))
    ?.seq ?? 0
const line = (calls: string[]) => {
  const step = (name: string) =>
    defineAgent<string>({
      name,
      run: async (input) => {
        calls.push(name)
        return `${input}>${name}`
      },
    })
  return { agents: ['A', 'B'].map(step), flows: ['Start -> A', 'A -> B', 'B -> End'] }
}
const asking = (agent: Agent) => ({
  agents: [agent],
  flows: [`Start -> ${agent.name}`, `${agent.name} -> End`, `${agent.name} -> User`, `User -> ${agent.name}`],
})

describe('a run', () => {
  it('orchestra.export returns a run as JSON, with its journal.', async () => {
    const { orchestra } = await ada()
    const run = await orchestra.start({ task: 't', topology: line([]), tags: ['x'] })
    await run.result()
    const exported = await orchestra.export(run.id)
    expect(JSON.parse(JSON.stringify(exported))).toEqual(exported)
    expect(exported).toMatchObject({ run: run.id, status: 'completed', tags: ['x'], result: { response: 't>A>B' } })
    expect(exported.journal[0]).toMatchObject({ input: { type: 'start', task: 't' } })
  })

  it('orchestra.why explains why a run failed, and what a run waits for.', async () => {
    const { orchestra } = await ada()
    const bad = defineAgent({
      name: 'A',
      run: () => {
        throw new Error('no luck')
      },
    })
    const failed = await orchestra.start({ task: 't', topology: { agents: [bad], flows: ['Start -> A', 'A -> End'] } })
    await failed.result()
    const { status, causes } = await orchestra.why(failed.id)
    expect([status, causes.map(({ type }) => type)]).toEqual([
      'failed',
      ['step.failed', 'branch.failed', 'run.cancel-requested', 'run.failed'],
    ])
    const agent = defineAgent({ name: 'A', run: async (_, ctx) => finish(await ctx.ask({ text: '?' })) })
    const waiting = await orchestra.start({ task: 't', topology: asking(agent) })
    await waiting.result()
    expect(await orchestra.why(waiting.id)).toMatchObject({
      status: 'waiting',
      reason: 'question',
      causes: [{ type: 'question.asked' }],
    })
  })
})

describe('a fork', () => {
  it('A fork shares the steps that had ended before its event, and continues with an edited result.', async () => {
    const { orchestra } = await ada()
    const calls: string[] = []
    const run = await orchestra.start({ task: 't', topology: line(calls) })
    await run.result()
    const at = seqOf(await eventsOf(run), 'step.completed', 'A')
    const fork = await orchestra.fork(run.id, { at, edit: { results: { A: 'other' } } })
    expect(await fork.result()).toMatchObject({ status: 'completed', response: 'other>B' })
    expect((await run.result()).response).toBe('t>A>B')
    expect(calls).toEqual(['A', 'B', 'B'])
    expect(await orchestra.verifyReplay(fork.id)).toMatchObject({ identical: true })
  })

  it('A run forks itself at one of its events, as orchestra.fork does.', async () => {
    const { orchestra } = await ada()
    const calls: string[] = []
    const run = await orchestra.start({ task: 't', topology: line(calls) })
    await run.result()
    const at = seqOf(await eventsOf(run), 'step.completed', 'A')
    const fork = await run.fork({ at, id: 'forked', edit: { results: { A: 'other' } } })
    expect(fork.id).toBe('forked')
    expect(await fork.result()).toMatchObject({ status: 'completed', response: 'other>B' })
    expect(calls).toEqual(['A', 'B', 'B'])
    expect(await orchestra.verifyReplay(fork.id)).toMatchObject({ identical: true })
    await expect(run.fork({ at: 9_999 })).rejects.toMatchObject({ name: 'ValidationError' })
  })

  it('A fork with an edited result of the last step completes without another step.', async () => {
    const { orchestra } = await ada()
    const run = await orchestra.start({ task: 't', topology: line([]) })
    await run.result()
    const at = seqOf(await eventsOf(run), 'step.completed', 'B')
    const fork = await orchestra.fork(run.id, { at, edit: { results: { B: 'end' } } })
    expect(await fork.result()).toMatchObject({ status: 'completed', response: 'end' })
    expect((await eventsOf(fork)).at(-1)?.type).toBe('run.completed')
  })

  it('A fork with another answer repeats no effect that the step had recorded.', async () => {
    const { orchestra } = await ada()
    let paid = 0
    const agent = defineAgent({
      name: 'A',
      run: async (_, ctx) => {
        await ctx.effect('pay', { class: 'at-most-once', key: 'order' }, () => ++paid)
        const first = await ctx.ask({ text: 'First?' })
        return finish([first, await ctx.ask({ text: 'Second?' })])
      },
    })
    const run = await orchestra.start({ task: 't', topology: asking(agent) })
    for (const answer of ['a', 'b']) {
      const [question] = (await run.result()).questions
      await run.answer(question?.id ?? '', answer)
    }
    expect((await run.result()).response).toEqual(['a', 'b'])
    const answers = (await eventsOf(run)).filter((event) => event.type === 'question.answered')
    const [, second] = answers
    const fork = await orchestra.fork(run.id, {
      at: second?.seq ?? 0,
      edit: { answers: { [second?.question ?? '']: 'B' } },
    })
    expect((await fork.result()).response).toEqual(['a', 'B'])
    expect(paid).toBe(1)
  })

  it('A fork of a waiting run waits for an answer of its own.', async () => {
    const { orchestra } = await ada()
    const agent = defineAgent({ name: 'A', run: async (_, ctx) => finish(await ctx.ask({ text: '?' })) })
    const run = await orchestra.start({ task: 't', topology: asking(agent) })
    const [question] = (await run.result()).questions
    const fork = await orchestra.fork(run.id, { at: seqOf(await eventsOf(run, 'question.asked'), 'question.asked') })
    await fork.answer(question?.id ?? '', 'fork')
    await run.answer(question?.id ?? '', 'run')
    expect([(await fork.result()).response, (await run.result()).response]).toEqual(['fork', 'run'])
  })

  it('A fork contains the model conversation up to its event, and nothing later.', async () => {
    const { orchestra } = await ada()
    const invoke = {
      text: '',
      toolCalls: [{ name: 'invoke_agent', args: { invocations: [{ agent_name: 'Spoke', request: 'the work' }] } }],
    }
    const finish = (answer: string) => ({ text: '', toolCalls: [{ name: 'finish', args: { answer } }] })
    const model = new MockModel({ responses: [invoke, finish('first'), finish('second')] })
    const hub = new LlmAgent({ name: 'Hub', model })
    const spoke = defineAgent({ name: 'Spoke', run: async () => 'done' })
    const run = await orchestra.start({
      task: 'THE TASK',
      topology: { agents: [hub, spoke], flows: ['Start -> Hub', 'Hub <-> Spoke', 'Hub -> End'] },
    })
    expect((await run.result()).response).toBe('first')
    const at = seqOf(await eventsOf(run), 'step.completed', 'Spoke')
    const fork = await orchestra.fork(run.id, { at, edit: { results: { Spoke: 'EDITED' } } })
    expect((await fork.result()).response).toBe('second')
    const [, , prompt] = model.calls.map((call) => JSON.stringify(call.prompt))
    expect(prompt).toMatch(/THE TASK.*the work.*EDITED/)
    expect(prompt).not.toMatch(/first/)
  })

  it('A fork that changes a model or a prompt changes it in helpers and pools too, and rejects an unknown model.', async () => {
    const { orchestra } = await ada()
    const asksHelper = { toolCalls: [{ name: 'helper', args: { request: 'x' } }] }
    const before = new MockModel({ modelId: 'before', responses: [asksHelper, 'helped', 'lead', 'pooled'] })
    const after = new MockModel({ modelId: 'after', responses: [asksHelper, 'helped', 'lead', 'pooled'] })
    const helper = new LlmAgent({ name: 'Helper', model: before })
    const lead = new LlmAgent({ name: 'Lead', model: before, agents: { helper } })
    const pool = new AgentPool({ name: 'Pool', create: () => new LlmAgent({ name: 'Lent', model: before }) })
    const plain = defineAgent({ name: 'Plain', run: async (task) => task })
    const stages = [lead, pool, plain].map((agent) => ({ agents: [agent] }))
    const run = await orchestra.start({ task: 't', topology: patterns.pipeline({ stages }) })
    await run.result()
    const prompts = { Helper: 'Help briefly.', Pool: 'Pool briefly.' }
    const fork = await orchestra.fork(run.id, { at: 1, edit: { model: after, prompts } })
    expect((await fork.result()).response).toBe('pooled')
    expect([before.calls.length, after.calls.length]).toEqual([4, 4])
    const systems = after.calls.map(({ prompt }) => (prompt[0]?.role === 'system' ? prompt[0].content : ''))
    expect(systems).toEqual(['', 'Help briefly.', '', 'Pool briefly.'])
    await expect(orchestra.fork(run.id, { at: 1, edit: { prompts: { Plain: 'x' } } })).rejects.toThrow(
      /is not an LlmAgent/,
    )
    await expect(orchestra.fork(run.id, { at: 1, edit: { prompts: { Leed: 'x' } } })).rejects.toThrow(/no agent Leed/)
    const other = await orchestra.start({ task: 't', topology: patterns.pipeline({ stages: [{ agents: [plain] }] }) })
    await other.result()
    await expect(orchestra.fork(other.id, { at: 1, edit: { model: after } })).rejects.toThrow(/no LlmAgent/)
    const mistake = { model: 'opnai/gpt-5' }
    for (const rejected of [
      () => orchestra.fork(run.id, { at: 1, edit: mistake }),
      () => orchestra.evaluate({ runs: [run.id], change: mistake, score: 'exact' }),
    ])
      await expect(rejected()).rejects.toMatchObject({ code: 'model.unknown' })
  })

  it('A fork of a run with an approval asks for the approval itself.', async () => {
    const { orchestra } = await ada()
    let paid = 0
    const pay = defineTool({
      name: 'pay',
      description: 'Pays.',
      inputSchema: z.object({ amount: z.number() }),
      effect: 'at-most-once',
      needsApproval: true,
      execute: async () => ++paid,
    })
    const responses = [{ text: '', toolCalls: [{ name: 'pay', args: { amount: 5 } }] }, 'one', 'two']
    const agent = new LlmAgent({ name: 'A', model: new MockModel({ responses }), tools: { pay } })
    const run = await orchestra.start({ task: 't', topology: { agents: [agent], flows: ['Start -> A', 'A -> End'] } })
    const [question] = (await run.result()).questions
    const hash = question?.hash ?? ''
    await run.answer(question?.id ?? '', { approve: true, hash })
    expect((await run.result()).response).toBe('one')
    const at = seqOf(await eventsOf(run), 'question.answered')
    const fork = await orchestra.fork(run.id, { at, repeat: true })
    expect((await fork.result()).questions).toMatchObject([{ kind: 'approval', hash }])
    await fork.answer(question?.id ?? '', { approve: false, hash, reason: 'too dear' })
    expect((await fork.result()).response).toBe('two')
    expect(paid).toBe(1)
  })

  it('orchestra.compare names the event at which a fork diverges from its source, and ignores times.', async () => {
    const { orchestra } = await ada()
    const run = await orchestra.start({ task: 't', topology: line([]) })
    await run.result()
    const at = seqOf(await eventsOf(run), 'step.completed', 'A')
    const [same, other] = [
      await orchestra.fork(run.id, { at }),
      await orchestra.fork(run.id, { at, edit: { results: { A: 'x' } } }),
    ]
    await Promise.all([same.result(), other.result()])
    expect(await orchestra.compare(run.id, same.id)).toEqual({ identical: true })
    expect(await orchestra.compare(run.id, other.id)).toMatchObject({ identical: false, divergedAt: at })
  })

  it('A fork whose signal aborts before the fork is durable starts no run.', async () => {
    const { orchestra } = await ada()
    const run = await orchestra.start({ task: 't', topology: line([]) })
    await run.result()
    const controller = new AbortController()
    const fork = run.fork({ at: 1, signal: controller.signal })
    controller.abort()
    await expect(fork).rejects.toMatchObject({ code: 'cancelled' })
    expect((await orchestra.list()).items).toHaveLength(1)
  })

  it('A fork at an unknown event, or with an edit that fits nothing, is rejected.', async () => {
    const { orchestra } = await ada()
    const run = await orchestra.start({ task: 't', topology: line([]) })
    await run.result()
    const [a] = (await eventsOf(run)).flatMap((event) => (event.type === 'step.started' ? [event.step] : []))
    for (const [options, problem] of [
      [{ at: 0 }, 'at must be the seq'],
      [{ at: 10_000 }, 'events'],
      [
        { at: 2, edit: { results: { C: 1 } } },
        `edit.results names C, but at event 2 the run has only the steps ${a} of A.`,
      ],
      [{ at: 2, edit: { answers: { none: 1 } } }, 'edit.answers names none, but at event 2 the run has no questions.'],
    ] as const)
      await expect(orchestra.fork(run.id, options)).rejects.toMatchObject({
        name: 'ValidationError',
        message: expect.stringContaining(problem),
      })
    await expect(orchestra.fork('nope', { at: 1 })).rejects.toMatchObject({ code: 'run.unknown' })
    expect((await orchestra.list()).items).toHaveLength(1)
  })

  it('A fork whose edited result the agent cannot route is rejected, for ended and for open steps.', async () => {
    const { orchestra } = await ada()
    const run = await orchestra.start({ task: 't', topology: line([]) })
    await run.result()
    const events = await eventsOf(run)
    for (const type of ['step.started', 'step.completed'] as const)
      await expect(
        run.fork({ at: seqOf(events, type, 'A'), edit: { results: { A: handOff('Nobody', 1) } } }),
      ).rejects.toMatchObject({
        code: 'validation.failed',
        message: expect.stringContaining('it cannot hand off to Nobody; A may'),
      })
    expect((await orchestra.list()).items).toHaveLength(1)
  })
})

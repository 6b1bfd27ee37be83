import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  type Agent,
  createTroupe,
  defineAgent,
  defineMessage,
  defineTool,
  finish,
  LlmAgent,
  type Run,
  type StartSpec,
  type Troupe,
  type User,
} from '../../index.ts'
import type { EvaluationProgress } from '../../operations.ts'
import { createVirtualClock, MockModel } from '../../testing/index.ts'

const open: Troupe[] = []
const opened = async (config: Partial<Parameters<typeof createTroupe>[0]> = {}) => {
  const troupe = await createTroupe({
    storage: 'memory:',
    log: 'silent',
    prices: { 'mock/mock': { input: 1, output: 1 }, 'mock/small': { input: 0.1, output: 0.1 } },
    ...config,
  })
  open.push(troupe)
  return troupe
}
afterEach(async () => {
  for (const troupe of open.splice(0)) await troupe.close()
})

const solo = (agent: Agent) => ({ agents: [agent], flows: [`Start -> ${agent.name}`, `${agent.name} -> End`] })
const ended = async (user: User, spec: StartSpec): Promise<Run> => {
  const run = await user.orchestra.start(spec)
  await run.result()
  return run
}

/** A shop that looks prices up, and answers as its instructions are. */
const shop = () => {
  const lookups: string[] = []
  const keys = new Set<string>()
  const price = defineTool({
    name: 'price',
    description: 'What something costs.',
    inputSchema: z.object({ of: z.string() }),
    effect: 'at-most-once',
    execute: ({ of }, { key }) => {
      keys.add(key)
      lookups.push(of)
      return { of, euro: of.length }
    },
  })
  const call = (of: string) => ({ text: '', toolCalls: [{ name: 'price', args: { of } }] })
  const model = (modelId = 'mock') =>
    new MockModel({
      modelId,
      responses: Array.from({ length: 40 }, () => ({ prompt }) => {
        const promptText = JSON.stringify(prompt)
        const of = /TASK (\w+)/.exec(promptText)?.[1] ?? ''
        if (!promptText.includes('"euro"')) return call(promptText.includes('ask otherwise') ? `other ${of}` : of)
        return promptText.includes('be vague') ? 'Some money.' : `It costs ${of.length} euro.`
      }),
    })
  return { lookups, keys, tools: { price }, model }
}

describe('an evaluation', () => {
  it('An evaluation compares past runs with a better and a worse prompt, and answers tools from the record.', async () => {
    const ada = (await opened()).user('ada')
    const { lookups, tools, model } = shop()
    const clerk = new LlmAgent({ name: 'Clerk', instructions: 'be vague', model: model(), tools })
    for (const task of ['TASK tea', 'TASK coffee']) await ended(ada, { task, topology: solo(clerk), tags: ['asked'] })
    await ended(ada, { task: 'TASK rum', topology: solo(clerk) })
    const progress: EvaluationProgress[] = []
    const score = ({ response }: { readonly response: unknown }) => (String(response).includes('euro') ? 1 : 0)
    const better = await ada.orchestra.evaluate({
      runs: { tags: ['asked'], order: 'oldest' },
      change: { prompts: { Clerk: 'be exact' }, model: model('small') },
      score,
      onProgress: (one) => {
        progress.push(one)
        throw new Error('nobody minds')
      },
    })
    expect(better.runs.map(({ status, response }) => [status, response])).toEqual([
      ['scored', 'It costs 3 euro.'],
      ['scored', 'It costs 6 euro.'],
    ])
    expect(better.total).toMatchObject({ scored: 2, failed: 0, better: 2, worse: 0, same: 0 })
    expect(better.total.original).toMatchObject({ quality: 0, steps: 2, tokens: 60 })
    expect(better.total.candidate).toMatchObject({ quality: 1, steps: 2, tokens: 60 })
    expect(better.total.candidate.cost).toBeCloseTo(better.total.original.cost / 10)
    expect(better.total.spent).toEqual({ tokens: 60, cost: better.total.candidate.cost })
    expect(progress.map(({ done, total }) => [done, total])).toEqual([
      [1, 2],
      [2, 2],
    ])
    const worse = await ada.orchestra.evaluate({
      runs: better.runs.map(({ run }) => run),
      change: { prompts: { Clerk: 'say nothing, be vague' } },
      score: ({ side, response }) => (side === 'original' ? 2 : String(response).length / 100),
      limit: 1,
    })
    expect(worse.total).toMatchObject({ scored: 1, better: 0, worse: 1, original: { quality: 2 } })
    expect(lookups).toEqual(['tea', 'coffee', 'rum'])
  })

  it('An evaluation fails the run that makes an unrecorded tool call, and only that run; a live evaluation makes the call.', async () => {
    const ada = (await opened()).user('ada')
    const { lookups, keys, tools, model } = shop()
    const clerk = new LlmAgent({ name: 'Clerk', model: model(), tools })
    const asks = new LlmAgent({ name: 'Clerk', instructions: 'be vague', model: model(), tools })
    const one = await ended(ada, { task: 'TASK tea', topology: solo(clerk) })
    const two = await ended(ada, { task: 'TASK coffee', topology: solo(asks) })
    const options = { runs: [one.id, two.id], score: 'exact', concurrency: 1 } as const
    const change = {
      topology: solo(
        clerk.with({ instructions: ({ input }) => (String(input).includes('tea') ? 'ask otherwise' : '') }),
      ),
    }
    const { runs, total } = await ada.orchestra.evaluate({ ...options, change })
    expect(runs).toMatchObject([
      {
        status: 'failed',
        error: { code: 'evaluation.unrecorded' },
        unrecorded: [{ kind: 'tool', name: 'price', args: { of: 'other tea' } }],
        spent: { tokens: 15 },
      },
      { status: 'scored', original: { quality: 1 }, candidate: { quality: 0 }, unrecorded: [] },
    ])
    expect(total).toMatchObject({ scored: 1, failed: 1, worse: 1, spent: { tokens: 45 } })
    expect(lookups).toEqual(['tea', 'coffee'])
    const live = await ada.orchestra.evaluate({ ...options, runs: [one.id], change, live: true })
    expect(live.runs).toMatchObject([{ status: 'scored', candidate: { quality: 1 } }])
    expect(lookups).toEqual(['tea', 'coffee', 'other tea'])
    expect(keys.size).toBe(3)
  })

  it('A live evaluation carries out no at-most-once effect without `repeat`, and reuses no approval of the past run.', async () => {
    const troupe = await opened()
    const ada = troupe.user('ada')
    const sent: unknown[] = []
    const tool = (name: string, rest: object) =>
      defineTool({
        name,
        description: 'x',
        inputSchema: z.object({}),
        execute: () => sent.push(name),
        ...rest,
      } as never)
    const model = () => new MockModel({ responses: [{ toolCalls: [{ name: 'send', args: {} }] }, 'done'] })
    const clerk = (rest: object) =>
      new LlmAgent({ name: 'Clerk', model: model(), tools: [tool('send', rest) as never] })
    const once = await ended(ada, { task: 'a', topology: solo(clerk({ effect: 'at-most-once' })) })
    const asks = await ada.orchestra.start({
      task: 'b',
      topology: solo(clerk({ effect: 'read', needsApproval: true })),
    })
    const [question] = (await asks.result()).questions
    await asks.answer(question?.id ?? '', { approve: true, hash: question?.hash ?? '' })
    await asks.result()
    expect(sent).toHaveLength(2)
    const evaluate = (run: string, options: object) =>
      ada.orchestra.evaluate({ runs: [run], change: { model: model() }, score: 'exact', ...options })
    expect((await evaluate(once.id, { live: true })).runs).toMatchObject([
      { status: 'failed', error: { code: 'effect.repeated', details: { names: 'send', effects: [{ name: 'send' }] } } },
    ])
    expect((await evaluate(asks.id, { live: true })).runs).toMatchObject([
      { status: 'failed', error: { code: 'evaluation.unfinished' } },
    ])
    expect(sent).toHaveLength(2)
    expect((await evaluate(asks.id, {})).runs).toMatchObject([{ status: 'scored' }])
    expect(sent).toHaveLength(2)
    expect((await evaluate(once.id, { live: true, repeat: true })).runs).toMatchObject([{ status: 'scored' }])
    expect(sent).toHaveLength(3)
  })

  it('An evaluation starts with the context as it was then, and changes nothing of the user.', async () => {
    const clock = createVirtualClock()
    const troupe = await opened({ clock })
    const ada = troupe.user('ada')
    const Note = defineMessage('note', z.string())
    const agent = defineAgent({
      name: 'A',
      run: async (_, ctx) => {
        const seen = Object.fromEntries(
          await Promise.all(
            ['rule', 'gone', 'later', 'short', 'found'].map(async (key) => [key, (await ctx.context.get(key)) ?? null]),
          ),
        ) as Record<string, string | null>
        await ctx.context.push('found', 'by the run')
        await ctx.messages.send(Note, 'done', { to: 'Clerk' })
        const paid = await ctx.effect(
          'pay',
          { class: 'at-most-once', key: 'order', input: { euro: 5 } },
          () => 'receipt 1',
        )
        const lookups = await ctx.effect('look', { class: 'read' }, () => clock.now())
        return finish({ ...seen, paid, lookups, answer: await ctx.ask({ text: 'Well?' }) })
      },
    })
    const topology = { agents: [agent], flows: ['Start -> A', 'A -> User', 'User -> A', 'A -> End'] }
    await ada.agent('Boss').context.push('rule', 'be kind', { subscribers: ['A'] })
    await ada.context.push('gone', 'still here')
    await ada.context.push('short', 'over soon', { ttl: '1m' })
    await clock.advance('1s')
    const run = await ada.orchestra.start({ task: 't', topology })
    const [question] = (await run.result()).questions
    await run.answer(question?.id ?? '', 'yes')
    const { response } = await run.result()
    expect(response).toMatchObject({ rule: 'be kind', gone: 'still here', short: 'over soon', answer: 'yes' })
    await clock.advance('1h')
    await ada.agent('Boss').context.push('rule', 'be strict')
    await ada.context.delete('gone')
    await ada.context.push('later', 'new')
    const stats = await ada.context.stats()
    const unread = await ada.agent('Clerk').mailbox.counts()
    const { runs } = await ada.orchestra.evaluate({ runs: [run.id], change: {}, score: 'exact' })
    expect(runs).toMatchObject([{ status: 'scored', response, candidate: { quality: 1 }, missingKeys: [] }])
    expect(await ada.context.stats()).toEqual(stats)
    expect(await ada.context.get('found')).toBe('by the run')
    expect(await ada.agent('Clerk').mailbox.counts()).toEqual(unread)
    expect((await ada.orchestra.list()).items.map(({ id }) => id)).toEqual([run.id])
    expect(await run.result()).toMatchObject({ response, totalSteps: 1 })
  })

  it('An evaluation reports a run that fails or asks a person, and continues with the others.', async () => {
    const ada = (await opened()).user('ada')
    const team = (run: Parameters<typeof defineAgent<string>>[0]['run']) => ({
      agents: [defineAgent<string>({ name: 'A', run })],
      flows: ['Start -> A', 'A -> User', 'User -> A', 'A -> End'],
    })
    const plain = team(async (input) => finish(input.length))
    const ids = []
    for (const task of ['fails', 'asks', 'works']) ids.push((await ended(ada, { task, topology: plain })).id)
    const other = team(async (input, ctx) => {
      if (input === 'fails') throw new Error('no luck')
      return finish(input === 'asks' ? await ctx.ask({ text: '?' }) : 5)
    })
    const { runs, total } = await ada.orchestra.evaluate({
      runs: ids,
      change: { topology: other },
      score: { schema: z.number() },
    })
    expect(runs).toMatchObject([
      { status: 'failed', error: { message: expect.stringContaining('no luck') } },
      { status: 'failed', error: { code: 'evaluation.unfinished', message: expect.stringContaining('question') } },
      { status: 'scored', original: { quality: 1 }, candidate: { quality: 1 } },
    ])
    expect(total).toMatchObject({ scored: 1, failed: 2, same: 1 })
  })

  it('The citations score is the share of citations that the run was given.', async () => {
    const ada = (await opened()).user('ada')
    const reads = (answer: string) =>
      defineAgent({
        name: 'A',
        run: async (_, ctx) => {
          await ctx.effect('read', { class: 'read' }, () => ({ file: 'tea.md', text: 'Tea is  best\nserved hot.' }))
          return answer
        },
      })
    const run = await ended(ada, { task: 't', topology: solo(reads('Hot [tea.md], says "Tea is best served hot".')) })
    const change = { topology: solo(reads('Cold [tea.md], says “Tea is best served cold”.')) }
    const { runs } = await ada.orchestra.evaluate({ runs: [run.id], change, score: 'citations' })
    expect(runs).toMatchObject([{ original: { quality: 1 }, candidate: { quality: 0.5 } }])
  })

  it('An evaluation spends no more than its budget on all runs together.', async () => {
    const ada = (await opened()).user('ada')
    const agent = new LlmAgent({
      name: 'A',
      model: new MockModel({
        responses: Array.from({ length: 20 }, () => ({ text: 'said', usage: { inputTokens: 100, outputTokens: 100 } })),
      }),
      settings: { maxOutputTokens: 5 },
    })
    const ids = []
    for (const task of [1, 2, 3, 4]) ids.push((await ended(ada, { task, topology: solo(agent) })).id)
    const options = { runs: ids, change: {}, score: 'exact' } as const
    const none = await ada.orchestra.evaluate({ ...options, budget: { cost: 0 } })
    expect(none.total).toMatchObject({ skipped: 4, spent: { tokens: 0, cost: 0 } })
    const all = await ada.orchestra.evaluate({ ...options, budget: { tokens: 4_000, cost: 1 } })
    expect(all.total).toMatchObject({ scored: 4, spent: { tokens: 800 } })
    const some = await ada.orchestra.evaluate({ ...options, concurrency: 1, budget: { tokens: 410 } })
    expect(some.total).toMatchObject({ scored: 2, failed: 2, spent: { tokens: 400 } })
    expect(some.runs[3]).toMatchObject({ status: 'failed', error: { message: expect.stringContaining('tokens') } })
    const little = await ada.orchestra.evaluate({ ...options, concurrency: 4, budget: { tokens: 40 } })
    expect(little.total).toMatchObject({ failed: 4, spent: { tokens: 0 } })
  })

  it('An evaluation that is aborted stops its runs and rejects.', async () => {
    const ada = (await opened()).user('ada')
    let aborted = 0
    const begun = Promise.withResolvers<void>()
    const stuck = defineAgent({
      name: 'A',
      run: async (_, ctx) => {
        begun.resolve()
        await new Promise<void>((done) => ctx.signal.addEventListener('abort', () => done()))
        aborted++
        return null
      },
    })
    const run = await ended(ada, { task: 't', topology: solo(defineAgent({ name: 'A', run: async () => 1 })) })
    const controller = new AbortController()
    const evaluation = ada.orchestra.evaluate({
      runs: [run.id],
      change: { topology: solo(stuck) },
      score: 'exact',
      signal: controller.signal,
    })
    await begun.promise
    controller.abort()
    await expect(evaluation).rejects.toMatchObject({ name: 'CancelledError' })
    expect(aborted).toBe(1)
  })

  it('An evaluation rejects unknown options, scores and teams, open runs, and runs of other users.', async () => {
    const troupe = await opened()
    const ada = troupe.user('ada')
    const asks = defineAgent({ name: 'A', run: async (_, ctx) => finish(await ctx.ask({ text: '?' })) })
    const run = await ended(ada, {
      task: 't',
      topology: { agents: [asks], flows: ['Start -> A', 'A -> User', 'User -> A', 'A -> End'] },
    })
    const rejected = (options: object, user = ada) =>
      user.orchestra.evaluate({ runs: {}, change: {}, score: 'exact', ...options } as never)
    for (const options of [
      { scor: 1 },
      { change: { prompt: {} } },
      { score: 'good' },
      { score: {} },
      { concurrency: 0 },
      { limit: 1.5 },
      { budget: { time: 1 } },
      { budget: { cost: -1 } },
      { live: 1 },
      { repeat: 1 },
      { onProgress: 1 },
      { runs: { statu: 'failed' } },
      { change: { topology: { agents: [], flows: [] } } },
    ])
      await expect(rejected(options)).rejects.toMatchObject({ name: 'ValidationError' })
    await expect(rejected({ runs: [run.id] })).rejects.toMatchObject({ code: 'run.open' })
    await expect(rejected({ runs: [run.id] }, troupe.user('bob'))).rejects.toMatchObject({ code: 'run.unknown' })
    expect((await rejected({})).runs).toEqual([])
  })

  it('An evaluation with an id resumes with the runs that are left, and pays for nothing twice.', async () => {
    const troupe = await opened({ evaluation: { scores: { long: ({ response }) => String(response).length } } })
    const ada = troupe.user('ada')
    const { tools, model } = shop()
    const clerk = new LlmAgent({ name: 'Clerk', instructions: 'be vague', model: model(), tools })
    for (const task of ['TASK tea', 'TASK coffee', 'TASK rum'])
      await ended(ada, { task, topology: solo(clerk), tags: ['asked'] })
    const small = model('small')
    const asked = {
      id: 'nightly',
      runs: { tags: ['asked'], order: 'oldest' },
      change: { model: small },
      score: { named: 'long' },
      concurrency: 1,
    } as const
    const stop = new AbortController()
    const first = ada.orchestra.evaluate({ ...asked, signal: stop.signal, onProgress: () => stop.abort() })
    await expect(ada.orchestra.evaluate(asked)).rejects.toMatchObject({ code: 'evaluation.running' })
    await expect(first).rejects.toMatchObject({ name: 'CancelledError' })
    const calls = small.calls.length
    const complete = await ada.orchestra.evaluate(asked)
    expect(complete.total).toMatchObject({ scored: 3, failed: 0, skipped: 0, spent: { tokens: 90 } })
    expect(small.calls.length).toBe(3 * calls)
    expect(await ada.orchestra.evaluate(asked)).toEqual(complete)
    expect(small.calls.length).toBe(3 * calls)
    await expect(ada.orchestra.evaluate({ ...asked, score: 'exact' })).rejects.toMatchObject({
      code: 'evaluation.repeated',
    })
    for (const other of [{ runs: { tags: ['others'] } }, { runs: [] }, { limit: 2 }])
      await expect(ada.orchestra.evaluate({ ...asked, ...other })).rejects.toMatchObject({
        code: 'evaluation.repeated',
      })
    await expect(ada.orchestra.evaluate({ ...asked, score: { named: 'lang' } })).rejects.toThrow(/long/)
  })
})
